-- What happens to payments after they were authorized or moved: captures, refunds, disputes.
ALTER TABLE payments
  -- Of a payment that its payee captures; NULL: it is moved at once.
  ADD COLUMN authorization_timeout_seconds integer
    CHECK (authorization_timeout_seconds IS NULL OR
      (authorization_timeout_seconds > 0 AND kind = 'transfer')),
  ADD COLUMN authorization_expire_time timestamptz
    CHECK (authorization_expire_time IS NULL OR authorization_timeout_seconds IS NOT NULL),
  ADD COLUMN captured_minor bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
  ADD COLUMN capturing_minor bigint NOT NULL DEFAULT 0 CHECK (capturing_minor >= 0),
  ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
  ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0),
  ADD COLUMN upheld_minor bigint NOT NULL DEFAULT 0 CHECK (upheld_minor >= 0),
  ADD COLUMN release_reason text NOT NULL DEFAULT '',
  -- Never more than authorized is captured, never more than captured is given back, in flight or
  -- not, whatever the program does.
  ADD CONSTRAINT payments_captures_fit CHECK (
    captured_minor <= amount_minor AND capturing_minor <= amount_minor - captured_minor),
  ADD CONSTRAINT payments_refunds_fit CHECK (
    CASE WHEN refunded_minor = 0 AND disputed_minor = 0 THEN true
      WHEN kind <> 'transfer' THEN false
      WHEN authorization_timeout_seconds IS NOT NULL
        THEN refunded_minor <= captured_minor AND disputed_minor <= captured_minor - refunded_minor
      ELSE state = 'succeeded' AND refunded_minor <= amount_minor
        AND disputed_minor <= amount_minor - refunded_minor END),
  DROP CONSTRAINT payments_state_check,
  ADD CONSTRAINT payments_state_check CHECK (state IN (
    'processing', 'succeeded', 'failed', 'requires_action', 'canceled', 'requires_capture')),
  ADD CONSTRAINT payments_authorized_until CHECK (
    state <> 'requires_capture' OR authorization_expire_time IS NOT NULL),
  DROP CONSTRAINT payments_executed_as_approved,
  -- A payment that was to be approved is executed or authorized only if it was.
  ADD CONSTRAINT payments_executed_as_approved CHECK (
    CASE WHEN state = 'requires_action' OR
        (state = 'canceled' AND authorization_expire_time IS NULL)
      THEN approval_id IS NOT NULL AND approved_binding IS NULL
      ELSE (approval_id IS NULL) = (approved_binding IS NULL) END);

-- Payees find payments that others made.
CREATE UNIQUE INDEX payments_by_id ON payments (payment_id);
CREATE INDEX payments_authorized ON payments (next_attempt_time) WHERE state = 'requires_capture';

-- The state machine, whatever the program does. What has ended keeps all but what refunds and
-- disputes count.
DROP TRIGGER ended_payments_do_not_change ON payments;
CREATE TRIGGER ended_payments_do_not_change BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (
    OLD.state NOT IN ('processing', 'requires_action', 'requires_capture') AND
    (NEW.state, NEW.failure_reason, NEW.update_time, NEW.captured_minor, NEW.capturing_minor,
      NEW.release_reason, NEW.authorization_expire_time, NEW.approved_binding)
    IS DISTINCT FROM
    (OLD.state, OLD.failure_reason, OLD.update_time, OLD.captured_minor, OLD.capturing_minor,
      OLD.release_reason, OLD.authorization_expire_time, OLD.approved_binding))
  EXECUTE FUNCTION refuse_change_of_ended_payment();

DROP TRIGGER payments_follow_their_state_machine ON payments;
CREATE TRIGGER payments_follow_their_state_machine BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (
    (OLD.state = 'processing' AND (NEW.state IN ('requires_action', 'canceled') OR
      (NEW.state = 'succeeded' AND NEW.authorization_timeout_seconds IS NOT NULL))) OR
    (OLD.state = 'requires_action' AND NEW.state IN ('succeeded', 'failed', 'requires_capture')) OR
    (OLD.state = 'requires_capture' AND (
      NEW.state IN ('processing', 'requires_action', 'failed') OR
      (NEW.state <> 'requires_capture' AND NEW.capturing_minor > 0) OR
      (NEW.state = 'succeeded') <> (NEW.state <> 'requires_capture' AND NEW.captured_minor > 0) OR
      (NEW.state <> 'requires_capture' AND NEW.release_reason = '' AND
        NEW.captured_minor < NEW.amount_minor) OR
      NEW.authorization_expire_time IS DISTINCT FROM OLD.authorization_expire_time)) OR
    NEW.captured_minor < OLD.captured_minor OR
    (OLD.release_reason <> '' AND NEW.release_reason <> OLD.release_reason) OR
    (OLD.state <> 'requires_capture' AND
      (NEW.captured_minor <> OLD.captured_minor OR NEW.capturing_minor <> OLD.capturing_minor)) OR
    (OLD.approved_binding IS NOT NULL AND
      NEW.approved_binding IS DISTINCT FROM OLD.approved_binding))
  EXECUTE FUNCTION refuse_transition_of_payment();

GRANT UPDATE (authorization_expire_time, captured_minor, capturing_minor, refunded_minor,
  disputed_minor, upheld_minor, release_reason) ON payments TO payments;

-- Captures, voids, refunds and what happens in disputes, each inserted as an intent and ended once.
CREATE TABLE payment_steps (
  step_id uuid PRIMARY KEY,
  payment_id uuid NOT NULL REFERENCES payments (payment_id),
  user_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN (
    'capture', 'void', 'expiry', 'refund', 'dispute', 'accept', 'withdraw', 'resolve')),
  idempotency_key text NOT NULL,
  -- SHA-256 of what was asked for.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  state text NOT NULL CHECK (state IN ('processing', 'succeeded', 'failed')),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  final boolean NOT NULL,
  may_owe boolean NOT NULL,
  note text NOT NULL,
  dispute_id uuid CHECK ((dispute_id IS NOT NULL) = (kind IN ('accept', 'withdraw', 'resolve'))),
  attempt integer NOT NULL DEFAULT 1 CHECK (attempt IN (1, 2)),
  owed_minor bigint NOT NULL DEFAULT 0,
  remaining_minor bigint,
  failure_reason text NOT NULL DEFAULT '' CHECK ((state = 'failed') = (failure_reason <> '')),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  -- When the recovery worker may take the step up, if it is still in processing.
  next_attempt_time timestamptz NOT NULL,
  -- A kind is made by one method: the scope of an idempotency key.
  UNIQUE (user_id, kind, idempotency_key)
);
CREATE INDEX payment_steps_of ON payment_steps (payment_id, kind, step_id);
CREATE INDEX payment_steps_processing ON payment_steps (next_attempt_time)
  WHERE state = 'processing';

CREATE FUNCTION refuse_change_of_ended_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'step % has ended as % and cannot change', OLD.step_id, OLD.state;
END
$$;
CREATE TRIGGER ended_steps_do_not_change BEFORE UPDATE ON payment_steps
  FOR EACH ROW WHEN (OLD.state <> 'processing') EXECUTE FUNCTION refuse_change_of_ended_step();

GRANT SELECT, INSERT ON payment_steps TO payments;
GRANT UPDATE (state, attempt, owed_minor, failure_reason, update_time, next_attempt_time)
  ON payment_steps TO payments;

CREATE TABLE disputes (
  -- That of the step that opened it.
  dispute_id uuid PRIMARY KEY REFERENCES payment_steps,
  payment_id uuid NOT NULL REFERENCES payments (payment_id),
  state text NOT NULL CHECK (
    state IN ('needs_response', 'under_review', 'won', 'lost', 'withdrawn')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reason_code text NOT NULL,
  respond_by timestamptz NOT NULL,
  -- The step in flight that decides it.
  deciding_step_id uuid REFERENCES payment_steps,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  CHECK (deciding_step_id IS NULL OR state IN ('needs_response', 'under_review'))
);
CREATE INDEX disputes_of ON disputes (payment_id, dispute_id);
CREATE INDEX disputes_awaiting ON disputes (respond_by) WHERE state = 'needs_response';

CREATE FUNCTION refuse_transition_of_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'dispute % cannot go from % to %', OLD.dispute_id, OLD.state, NEW.state;
END
$$;
CREATE TRIGGER disputes_follow_their_state_machine BEFORE UPDATE ON disputes
  FOR EACH ROW WHEN (
    OLD.state IN ('won', 'lost', 'withdrawn') OR
    (OLD.state = 'needs_response' AND NEW.state = 'won') OR
    (OLD.state = 'under_review' AND NEW.state = 'needs_response'))
  EXECUTE FUNCTION refuse_transition_of_dispute();

GRANT SELECT, INSERT ON disputes TO payments;
GRANT UPDATE (state, deciding_step_id, update_time) ON disputes TO payments;

-- What payees say, a text each.
CREATE TABLE dispute_evidence (
  dispute_id uuid NOT NULL REFERENCES disputes,
  number integer NOT NULL CHECK (number BETWEEN 1 AND 20),
  user_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  text text NOT NULL,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (dispute_id, number)
);
CREATE INDEX dispute_evidence_keys ON dispute_evidence (user_id, idempotency_key);

GRANT SELECT, INSERT ON dispute_evidence TO payments;
