-- Payments whose accounts are not all in the usual book of the ledger (docs/books.md).
ALTER TABLE payments
  -- NULL, as of most payments: in the usual book, both.
  ADD COLUMN source_book text CHECK (source_book ~ '^[a-z0-9_.-]{1,64}$'),
  ADD COLUMN target_book text CHECK (target_book ~ '^[a-z0-9_.-]{1,64}$'),
  ADD CONSTRAINT payments_books CHECK ((source_book IS NULL) = (target_book IS NULL)),
  -- What is between two books is captured at once.
  ADD CONSTRAINT payments_between_books CHECK (
    source_book IS NOT DISTINCT FROM target_book OR
    (kind <> 'payout' AND authorization_timeout_seconds IS NULL AND refunded_minor = 0 AND
      disputed_minor = 0));

-- How far a payment between two books has come, one row for each, inserted with it. A stage is
-- committed here before the ledger is asked for it.
CREATE TABLE book_transfers (
  payment_id uuid PRIMARY KEY REFERENCES payments (payment_id),
  source_book text NOT NULL,
  target_book text NOT NULL CHECK (target_book <> source_book),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  -- That goes over.
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  stage text NOT NULL DEFAULT 'holding' CHECK (stage IN (
    'holding', 'crediting', 'capturing', 'captured', 'refused', 'voiding', 'voided')),
  failure_reason text NOT NULL DEFAULT ''
    CHECK ((failure_reason <> '') = (stage IN ('refused', 'voiding', 'voided'))),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL
);
-- Money that has gone from one book and may not have come to the other.
CREATE INDEX book_transfers_under_way ON book_transfers (payment_id)
  WHERE stage IN ('crediting', 'capturing', 'voiding');
CREATE INDEX book_transfers_by_change ON book_transfers (update_time);

CREATE FUNCTION refuse_transition_of_book_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the transfer of payment % cannot go from % to %', OLD.payment_id, OLD.stage,
    NEW.stage;
END
$$;
CREATE TRIGGER book_transfers_follow_their_state_machine BEFORE UPDATE ON book_transfers
  FOR EACH ROW WHEN (
    (OLD.stage, NEW.stage) NOT IN (
      ('holding', 'crediting'), ('holding', 'refused'), ('crediting', 'capturing'),
      ('crediting', 'voiding'), ('capturing', 'captured'), ('voiding', 'voided')))
  EXECUTE FUNCTION refuse_transition_of_book_transfer();

GRANT SELECT, INSERT ON book_transfers TO payments;
GRANT UPDATE (stage, failure_reason, update_time) ON book_transfers TO payments;

-- Between which books there ever was a payment: what the check of their clearing accounts looks at.
CREATE TABLE book_pairs (
  source_book text NOT NULL,
  target_book text NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  PRIMARY KEY (source_book, target_book, currency)
);
GRANT SELECT, INSERT ON book_pairs TO payments;

ALTER TABLE discrepancies
  DROP CONSTRAINT discrepancies_kind_check,
  ADD CONSTRAINT discrepancies_kind_check CHECK (kind IN ('unfinished', 'parked',
    'missing_in_ledger', 'moved_although_ended', 'amount_differs', 'unknown_transaction',
    'missing_here', 'missing_at_rail', 'rail_amount_differs', 'executed_twice', 'stage_differs',
    'settlement_differs', 'clearing_differs'));
