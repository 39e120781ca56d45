-- A sandbox's clock: how far it is ahead of the system's. One row, or none yet.
CREATE TABLE sandbox_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  ahead_micros bigint NOT NULL CHECK (ahead_micros >= 0)
);

CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the sandbox''s clock cannot go back';
END
$$;
CREATE TRIGGER sandbox_clock_goes_forward BEFORE UPDATE ON sandbox_clock
  FOR EACH ROW WHEN (NEW.ahead_micros < OLD.ahead_micros) EXECUTE FUNCTION refuse_going_back();

GRANT SELECT, INSERT ON sandbox_clock TO payments;
GRANT UPDATE (ahead_micros) ON sandbox_clock TO payments;

-- Payouts: payments over a rail to somebody elsewhere.
ALTER TABLE payments
  DROP CONSTRAINT payments_kind_check,
  ADD CONSTRAINT payments_kind_check CHECK (kind IN ('transfer', 'deposit', 'payout')),
  DROP CONSTRAINT payments_check,
  ADD CONSTRAINT payments_source_check CHECK (
    (kind <> 'deposit') = (source_account_id IS NOT NULL)),
  DROP CONSTRAINT payments_state_check,
  ADD CONSTRAINT payments_state_check CHECK (state IN (
    'processing', 'succeeded', 'failed', 'requires_action', 'canceled', 'requires_capture',
    'returned')),
  DROP CONSTRAINT payments_failure_reason_check,
  ADD CONSTRAINT payments_failure_reason_check CHECK (
    (state IN ('failed', 'canceled', 'returned')) = (failure_reason <> '')),
  ADD CONSTRAINT payments_returned_check CHECK (state <> 'returned' OR kind = 'payout'),
  DROP CONSTRAINT payments_executed_as_approved,
  -- A payment that was to be approved is executed or authorized only if it was. A payout may be
  -- canceled after its approval, too, and without one.
  ADD CONSTRAINT payments_executed_as_approved CHECK (
    CASE WHEN state = 'canceled' AND kind = 'payout'
      THEN approved_binding IS NULL OR approval_id IS NOT NULL
    WHEN state = 'requires_action' OR
        (state = 'canceled' AND authorization_expire_time IS NULL)
      THEN approval_id IS NOT NULL AND approved_binding IS NULL
      ELSE (approval_id IS NULL) = (approved_binding IS NULL) END);

-- Those in processing have a worker of their own.
DROP INDEX payments_processing;
CREATE INDEX payments_processing ON payments (next_attempt_time)
  WHERE state = 'processing' AND kind <> 'payout';

-- The state machine, whatever the program does. What has ended keeps all but what refunds and
-- disputes count; but a payout that has succeeded may be returned.
DROP TRIGGER ended_payments_do_not_change ON payments;
CREATE TRIGGER ended_payments_do_not_change BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (
    OLD.state NOT IN ('processing', 'requires_action', 'requires_capture') AND
    NOT (OLD.kind = 'payout' AND OLD.state = 'succeeded' AND NEW.state = 'returned') AND
    (NEW.state, NEW.failure_reason, NEW.update_time, NEW.captured_minor, NEW.capturing_minor,
      NEW.release_reason, NEW.authorization_expire_time, NEW.approved_binding)
    IS DISTINCT FROM
    (OLD.state, OLD.failure_reason, OLD.update_time, OLD.captured_minor, OLD.capturing_minor,
      OLD.release_reason, OLD.authorization_expire_time, OLD.approved_binding))
  EXECUTE FUNCTION refuse_change_of_ended_payment();

DROP TRIGGER payments_follow_their_state_machine ON payments;
CREATE TRIGGER payments_follow_their_state_machine BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (
    (OLD.state = 'processing' AND (NEW.state IN ('requires_action', 'returned') OR
      (NEW.state = 'canceled' AND OLD.kind <> 'payout') OR
      (NEW.state = 'succeeded' AND NEW.authorization_timeout_seconds IS NOT NULL))) OR
    (OLD.state = 'requires_action' AND
      NEW.state IN ('succeeded', 'failed', 'requires_capture', 'returned')) OR
    (OLD.state = 'requires_capture' AND (
      NEW.state IN ('processing', 'requires_action', 'failed', 'returned') OR
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

-- Whom a payout pays, and how far it has come (services/payments/domain/payout.h).
CREATE TABLE payouts (
  payment_id uuid PRIMARY KEY REFERENCES payments (payment_id),
  -- Personal data, here and nowhere else (but as a payment's payee_name, where it is approved).
  beneficiary_name text NOT NULL,
  beneficiary_account text NOT NULL,
  is_iban boolean NOT NULL,
  rail text NOT NULL,
  stage text NOT NULL DEFAULT 'created' CHECK (stage IN (
    'created', 'reserved', 'sending', 'sent', 'settling', 'rejecting', 'returning', 'canceling',
    'settled', 'rejected', 'returned', 'canceled', 'refused')),
  code text NOT NULL DEFAULT '',
  asked integer NOT NULL DEFAULT 0 CHECK (asked >= 0),
  update_time timestamptz NOT NULL,
  -- When the worker may take it up.
  next_attempt_time timestamptz NOT NULL
);
CREATE INDEX payouts_under_way ON payouts (next_attempt_time)
  WHERE stage NOT IN ('settled', 'rejected', 'returned', 'canceled', 'refused');

CREATE FUNCTION refuse_transition_of_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'payout % cannot go from % to %', OLD.payment_id, OLD.stage, NEW.stage;
END
$$;
CREATE TRIGGER payouts_follow_their_state_machine BEFORE UPDATE ON payouts
  FOR EACH ROW WHEN (
    OLD.stage <> NEW.stage AND (OLD.stage, NEW.stage) NOT IN (
      ('created', 'reserved'), ('created', 'refused'), ('created', 'canceled'),
      ('reserved', 'sending'), ('reserved', 'canceling'), ('sending', 'sent'),
      ('sending', 'canceling'), ('canceling', 'canceled'), ('sent', 'settling'),
      ('sent', 'rejecting'), ('settling', 'settled'), ('rejecting', 'rejected'),
      ('settled', 'returning'), ('returning', 'returned')))
  EXECUTE FUNCTION refuse_transition_of_payout();

GRANT SELECT, INSERT ON payouts TO payments;
GRANT UPDATE (stage, code, asked, update_time, next_attempt_time) ON payouts TO payments;

-- Money that rails have received, each once however often it is notified
-- (services/payments/domain/rail_deposit.h).
CREATE TABLE rail_deposits (
  rail text NOT NULL,
  deposit_id text NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  account_reference text NOT NULL,
  reference text NOT NULL,
  stage text NOT NULL DEFAULT 'received' CHECK (
    stage IN ('received', 'crediting', 'suspending', 'credited', 'unmatched')),
  -- Whose it is, and the payment that credits it.
  account_id uuid,
  user_id uuid,
  payment_id uuid UNIQUE,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (rail, deposit_id),
  CHECK (num_nulls(account_id, user_id, payment_id) IN (0, 3)),
  CHECK (stage NOT IN ('crediting', 'credited') OR payment_id IS NOT NULL)
);

CREATE FUNCTION refuse_transition_of_deposit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'deposit % cannot go from % to %', OLD.deposit_id, OLD.stage, NEW.stage;
END
$$;
CREATE TRIGGER rail_deposits_follow_their_state_machine BEFORE UPDATE ON rail_deposits
  FOR EACH ROW WHEN (
    (OLD.stage, NEW.stage) NOT IN (
      ('received', 'crediting'), ('received', 'suspending'), ('crediting', 'credited'),
      ('crediting', 'suspending'), ('suspending', 'unmatched')) OR
    (OLD.payment_id IS NOT NULL AND (NEW.payment_id, NEW.account_id, NEW.user_id)
      IS DISTINCT FROM (OLD.payment_id, OLD.account_id, OLD.user_id)))
  EXECUTE FUNCTION refuse_transition_of_deposit();

GRANT SELECT, INSERT ON rail_deposits TO payments;
GRANT UPDATE (stage, account_id, user_id, payment_id) ON rail_deposits TO payments;

-- The sandbox's rail, which stands for a bank outside: what it was asked to pay, and what happened
-- and will happen at it. Nothing here is known to anybody but that rail
-- (services/payments/flow/sandbox_rail.h).
CREATE TABLE sandbox_rail_payouts (
  payout_id uuid PRIMARY KEY,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  -- Until when it says nothing about it.
  silent_until timestamptz NOT NULL
);
CREATE TABLE sandbox_rail_entries (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event text NOT NULL CHECK (event IN ('deposit', 'settled', 'rejected', 'returned')),
  payout_id uuid REFERENCES sandbox_rail_payouts CHECK ((event = 'deposit') = (payout_id IS NULL)),
  deposit_id text UNIQUE CHECK ((event = 'deposit') = (deposit_id IS NOT NULL)),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  account_reference text NOT NULL,
  reference text NOT NULL,
  code text NOT NULL,
  book_time timestamptz NOT NULL,
  -- How often it will still be notified.
  notifications integer NOT NULL CHECK (notifications >= 0),
  UNIQUE (payout_id, event)
);
CREATE INDEX sandbox_rail_notifications ON sandbox_rail_entries (book_time, number)
  WHERE notifications > 0;
CREATE INDEX sandbox_rail_statement ON sandbox_rail_entries (book_time, number);

GRANT SELECT, INSERT ON sandbox_rail_payouts, sandbox_rail_entries TO payments;
GRANT UPDATE (notifications) ON sandbox_rail_entries TO payments;
