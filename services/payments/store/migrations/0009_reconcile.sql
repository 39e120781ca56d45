-- What recovery could not end, and where payments and the ledger do not agree.

-- Payments are compared with the ledger in the order in which they were made. BRIN: some pages for
-- a million payments, and next to nothing for each insert.
CREATE INDEX payments_by_time ON payments USING brin (create_time)
  WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX payment_steps_by_time ON payment_steps (create_time);

-- One for each payment or step that recovery has taken up in vain, also after it has ended.
CREATE TABLE recovery_failures (
  -- Of the step, or of the payment itself.
  subject_id uuid PRIMARY KEY,
  payment_id uuid NOT NULL REFERENCES payments (payment_id),
  step_id uuid REFERENCES payment_steps,
  failures integer NOT NULL CHECK (failures >= 0),
  reason text NOT NULL,
  -- No worker takes it up: its next_attempt_time is infinite.
  parked boolean NOT NULL,
  first_time timestamptz NOT NULL,
  last_time timestamptz NOT NULL
);
CREATE INDEX recovery_failures_of ON recovery_failures (payment_id);

GRANT SELECT, INSERT ON recovery_failures TO payments;
GRANT UPDATE (failures, reason, parked, last_time) ON recovery_failures TO payments;

CREATE TABLE discrepancies (
  -- Follows from the kind and what it is about: found again, it is the same one.
  discrepancy_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('unfinished', 'parked', 'missing_in_ledger',
    'moved_although_ended', 'amount_differs', 'unknown_transaction')),
  payment_id uuid,
  step_id uuid,
  transaction_id uuid,
  currency text CHECK (char_length(currency) = 3),
  at_risk_minor bigint NOT NULL CHECK (at_risk_minor >= 0),
  expected text NOT NULL,
  found text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'agreed', 'resolved')),
  -- By whom and why, where a person has resolved it.
  resolved_by uuid CHECK ((resolved_by IS NOT NULL) = (state = 'resolved')),
  note text NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL
);
CREATE INDEX discrepancies_open ON discrepancies (discrepancy_id) WHERE state = 'open';
CREATE INDEX discrepancies_of ON discrepancies (payment_id);

CREATE FUNCTION refuse_change_of_resolved_discrepancy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'discrepancy % was resolved and cannot change', OLD.discrepancy_id;
END
$$;
CREATE TRIGGER resolved_discrepancies_do_not_change BEFORE UPDATE ON discrepancies
  FOR EACH ROW WHEN (OLD.state = 'resolved')
  EXECUTE FUNCTION refuse_change_of_resolved_discrepancy();

GRANT SELECT, INSERT ON discrepancies TO payments;
GRANT UPDATE (state, at_risk_minor, expected, found, resolved_by, note, update_time)
  ON discrepancies TO payments;

-- How far each walk has come: microseconds since the epoch, or a sequence of the ledger.
CREATE TABLE reconcile_positions (
  walk text PRIMARY KEY,
  position bigint NOT NULL
);

GRANT SELECT, INSERT ON reconcile_positions TO payments;
GRANT UPDATE (position) ON reconcile_positions TO payments;
