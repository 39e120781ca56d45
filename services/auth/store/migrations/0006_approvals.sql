-- What payers were asked to approve, and what became of it: kept for ever, as evidence.
CREATE TABLE payment_approvals (
  approval_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  payment_id uuid NOT NULL UNIQUE,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  payee_account_id uuid NOT NULL,
  payee_name text NOT NULL CHECK (payee_name <> ''),
  nonce bytea NOT NULL CHECK (octet_length(nonce) = 32),
  expire_time timestamptz NOT NULL,
  create_time timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'approved', 'declined', 'redeemed', 'void')),
  -- What a passkey must answer.
  ceremony_id uuid,
  approve_time timestamptz
    CHECK (state NOT IN ('approved', 'redeemed') OR approve_time IS NOT NULL),
  end_time timestamptz CHECK ((state IN ('pending', 'approved')) = (end_time IS NULL))
);

CREATE FUNCTION refuse_change_of_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'approval % cannot go from % to %', OLD.approval_id, OLD.state, NEW.state;
END
$$;
-- Used up once, whatever the program does; and only what was approved.
CREATE TRIGGER approvals_follow_their_state_machine BEFORE UPDATE ON payment_approvals
  FOR EACH ROW WHEN (
    OLD.state IN ('declined', 'redeemed', 'void') OR
    (OLD.state = 'pending' AND NEW.state = 'redeemed') OR
    (OLD.state = 'approved' AND NEW.state = 'pending'))
  EXECUTE FUNCTION refuse_change_of_approval();

-- What was shown to the payer can never be rewritten, and nothing be deleted.
GRANT SELECT, INSERT ON payment_approvals TO auth;
GRANT UPDATE (state, ceremony_id, approve_time, end_time) ON payment_approvals TO auth;
