-- Money that came in and could not be credited, as items that operators look after
-- (services/payments/domain/suspense.h).
CREATE TABLE suspense_items (
  item_id uuid PRIMARY KEY,
  rail text NOT NULL,
  -- What a rail has received; or the payout that came back.
  deposit_id text,
  payment_id uuid UNIQUE REFERENCES payouts (payment_id),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  create_time timestamptz NOT NULL,
  UNIQUE (rail, deposit_id),
  FOREIGN KEY (rail, deposit_id) REFERENCES rail_deposits (rail, deposit_id),
  CHECK (num_nulls(deposit_id, payment_id) = 1)
);

-- What is there already. Payouts whose money went to suspense before today are not known here: the
-- ledger has them, under the second id of their booking.
INSERT INTO suspense_items (item_id, rail, deposit_id, currency, amount_minor, create_time)
  SELECT gen_random_uuid(), rail, deposit_id, currency, amount_minor, create_time
  FROM rail_deposits WHERE stage = 'unmatched';

-- What operators did about them, as two people had agreed. Of an item one at most was not refused.
CREATE TABLE suspense_resolutions (
  resolution_id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,
  item_id uuid NOT NULL REFERENCES suspense_items,
  kind text NOT NULL CHECK (kind IN ('assign', 'return')),
  account_id uuid,
  owner_id uuid,
  -- The payment that moves the money.
  payment_id uuid NOT NULL UNIQUE,
  operator_id uuid NOT NULL,
  proposal_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'refused')),
  failure_reason text NOT NULL DEFAULT '',
  rail_code text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  next_attempt_time timestamptz NOT NULL,
  UNIQUE (operator_id, idempotency_key),
  CHECK ((state = 'refused') = (failure_reason <> '')),
  CHECK (num_nonnulls(account_id, owner_id) = CASE kind WHEN 'assign' THEN 2 ELSE 0 END)
);
CREATE UNIQUE INDEX suspense_items_are_resolved_once ON suspense_resolutions (item_id)
  WHERE state <> 'refused';
CREATE INDEX suspense_resolutions_of_items ON suspense_resolutions (item_id, number);
CREATE INDEX suspense_resolutions_pending ON suspense_resolutions (next_attempt_time)
  WHERE state = 'pending';

CREATE FUNCTION refuse_transition_of_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'resolution % cannot go from % to %', OLD.resolution_id, OLD.state, NEW.state;
END
$$;
-- What a rail was paid it may send back later.
CREATE TRIGGER suspense_resolutions_follow_their_state_machine BEFORE UPDATE
  ON suspense_resolutions FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND OLD.state <> 'pending' AND
    NOT (OLD.kind = 'return' AND OLD.state = 'done' AND NEW.state = 'refused'))
  EXECUTE FUNCTION refuse_transition_of_resolution();

GRANT SELECT, INSERT ON suspense_items, suspense_resolutions TO payments;
GRANT UPDATE (state, failure_reason, rail_code, update_time, next_attempt_time)
  ON suspense_resolutions TO payments;
