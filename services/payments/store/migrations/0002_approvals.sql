-- Payments that wait for their payer's approval, and what is exempt from one.
ALTER TABLE payments
  -- What the payer is asked to approve beside what the payment says itself. All or none.
  ADD COLUMN approval_id uuid,
  ADD COLUMN payee_name text,
  ADD COLUMN approval_nonce bytea CHECK (octet_length(approval_nonce) = 32),
  ADD COLUMN approval_expire_time timestamptz,
  -- SHA-256 of what was approved (libs/sca/payment_binding.h), once the approval was redeemed.
  ADD COLUMN approved_binding bytea CHECK (octet_length(approved_binding) = 32),
  ADD CONSTRAINT payments_approval_is_whole CHECK (
    num_nulls(approval_id, payee_name, approval_nonce, approval_expire_time) IN (0, 4)),
  DROP CONSTRAINT payments_state_check,
  ADD CONSTRAINT payments_state_check CHECK (
    state IN ('processing', 'succeeded', 'failed', 'requires_action', 'canceled')),
  DROP CONSTRAINT payments_check2,
  ADD CONSTRAINT payments_failure_reason_check CHECK (
    (state IN ('failed', 'canceled')) = (failure_reason <> '')),
  -- A payment that was to be approved is executed only if it was.
  ADD CONSTRAINT payments_executed_as_approved CHECK (
    CASE WHEN state IN ('requires_action', 'canceled')
      THEN approval_id IS NOT NULL AND approved_binding IS NULL
      ELSE (approval_id IS NULL) = (approved_binding IS NULL) END);

CREATE INDEX payments_awaiting ON payments (next_attempt_time) WHERE state = 'requires_action';

-- The state machine, whatever the program does.
DROP TRIGGER ended_payments_do_not_change ON payments;
CREATE TRIGGER ended_payments_do_not_change BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (OLD.state NOT IN ('processing', 'requires_action'))
  EXECUTE FUNCTION refuse_change_of_ended_payment();

CREATE FUNCTION refuse_transition_of_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'payment % cannot go from % to %', OLD.payment_id, OLD.state, NEW.state;
END
$$;
CREATE TRIGGER payments_follow_their_state_machine BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (
    (OLD.state = 'processing' AND NEW.state IN ('requires_action', 'canceled')) OR
    (OLD.state = 'requires_action' AND NEW.state IN ('succeeded', 'failed')) OR
    OLD.approved_binding IS NOT NULL AND NEW.approved_binding IS DISTINCT FROM OLD.approved_binding)
  EXECUTE FUNCTION refuse_transition_of_payment();

GRANT UPDATE (approved_binding) ON payments TO payments;

-- What payers had exempted as low value since they last authenticated strongly, for each currency.
CREATE TABLE low_value_use (
  user_id uuid NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  payments integer NOT NULL CHECK (payments >= 0),
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  PRIMARY KEY (user_id, currency)
);

GRANT SELECT, INSERT ON low_value_use TO payments;
GRANT UPDATE (payments, total_minor) ON low_value_use TO payments;
