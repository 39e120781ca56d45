-- The third side of reconciliation: what rails say in their statements
-- (services/payments/domain/rail_match.h).

-- Every line that was read, in the order of reading. No personal data: what senders say stays at
-- the rail.
CREATE TABLE rail_statement_lines (
  rail text NOT NULL,
  position bigint NOT NULL CHECK (position > 0),
  -- The rail's own, of this event for ever.
  number bigint NOT NULL,
  event text NOT NULL CHECK (event IN ('deposit', 'settled', 'returned')),
  payout_id uuid CHECK ((event = 'deposit') = (payout_id IS NULL)),
  deposit_id text CHECK ((event = 'deposit') = (deposit_id IS NOT NULL)),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  code text NOT NULL,
  book_time timestamptz NOT NULL,
  PRIMARY KEY (rail, position),
  UNIQUE (rail, number)
);
CREATE INDEX rail_statement_payouts ON rail_statement_lines (payout_id)
  WHERE payout_id IS NOT NULL;
CREATE INDEX rail_statement_deposits ON rail_statement_lines (deposit_id)
  WHERE deposit_id IS NOT NULL;

GRANT SELECT, INSERT ON rail_statement_lines TO payments;

-- How far each rail's statement is read, and compared.
CREATE TABLE rail_progress (
  rail text PRIMARY KEY,
  -- The rail's, after the last line that is kept.
  cursor text NOT NULL DEFAULT '',
  kept_lines bigint NOT NULL DEFAULT 0,
  compared_lines bigint NOT NULL DEFAULT 0,
  payouts_until timestamptz NOT NULL DEFAULT 'epoch',
  deposits_until timestamptz NOT NULL DEFAULT 'epoch',
  CHECK (compared_lines BETWEEN 0 AND kept_lines)
);

GRANT SELECT, INSERT, UPDATE ON rail_progress TO payments;

-- What is said to be executed is looked for in the order in which it was.
CREATE INDEX payouts_executed ON payouts (rail, update_time)
  WHERE stage IN ('settled', 'returned');
CREATE INDEX rail_deposits_received ON rail_deposits (rail, create_time);

ALTER TABLE discrepancies
  DROP CONSTRAINT discrepancies_kind_check,
  ADD CONSTRAINT discrepancies_kind_check CHECK (kind IN ('unfinished', 'parked',
    'missing_in_ledger', 'moved_although_ended', 'amount_differs', 'unknown_transaction',
    'missing_here', 'missing_at_rail', 'rail_amount_differs', 'executed_twice', 'stage_differs',
    'settlement_differs')),
  -- Whose statement does not agree, and on which of its deposits.
  ADD COLUMN rail text,
  ADD COLUMN deposit_id text CHECK (deposit_id IS NULL OR rail IS NOT NULL);

-- The sandbox's rail can misbehave: execute twice, and not say in one place what it says in the
-- other.
ALTER TABLE sandbox_rail_entries
  DROP CONSTRAINT sandbox_rail_entries_payout_id_event_key,
  ADD COLUMN told boolean NOT NULL DEFAULT true,
  ADD COLUMN on_statement boolean NOT NULL DEFAULT true;
CREATE INDEX sandbox_rail_entries_of ON sandbox_rail_entries (payout_id)
  WHERE payout_id IS NOT NULL;

-- Of the request that made the payment, for its timeline; NULL for what a worker has made. In the
-- same row: nothing else is written for it.
ALTER TABLE payments ADD COLUMN request_id text CHECK (request_id <> '');
