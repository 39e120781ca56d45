-- Payments and the idempotency of the requests that made them: one row for each, inserted as an
-- intent and ended once.
CREATE TABLE payments (
  user_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('transfer', 'deposit')),
  idempotency_key text NOT NULL,
  -- SHA-256 of the canonical request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  state text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'succeeded', 'failed')),
  source_account_id uuid CHECK ((kind = 'transfer') = (source_account_id IS NOT NULL)),
  destination_account_id uuid NOT NULL CHECK (destination_account_id <> source_account_id),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text NOT NULL,
  failure_reason text NOT NULL DEFAULT '' CHECK ((state = 'failed') = (failure_reason <> '')),
  transaction_id uuid NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  -- When the recovery worker may take the payment up, if it is still in processing.
  next_attempt_time timestamptz NOT NULL,
  -- Begins with the owner, so that it also serves the list of his payments and no lookup can forget
  -- whose they are.
  PRIMARY KEY (user_id, payment_id),
  -- A kind is created by one method: the scope of an idempotency key.
  UNIQUE (user_id, kind, idempotency_key)
);

CREATE INDEX payments_processing ON payments (next_attempt_time) WHERE state = 'processing';

-- Terminal states are terminal, whatever the program does.
CREATE FUNCTION refuse_change_of_ended_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'payment % has ended as % and cannot change', OLD.payment_id, OLD.state;
END
$$;
CREATE TRIGGER ended_payments_do_not_change BEFORE UPDATE ON payments
  FOR EACH ROW WHEN (OLD.state <> 'processing') EXECUTE FUNCTION refuse_change_of_ended_payment();

-- What was intended can never be rewritten, and nothing be deleted.
GRANT SELECT, INSERT ON payments TO payments;
GRANT UPDATE (state, failure_reason, update_time, next_attempt_time) ON payments TO payments;
