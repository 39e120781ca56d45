-- Limits of payments: what they are, and every maximum that each has had.
CREATE TABLE limits (
  limit_id uuid PRIMARY KEY,
  scope text NOT NULL CHECK (scope IN ('user', 'account', 'payee')),
  -- A user's or, of scope account, an account's id; NULL: everybody's, for each of their own.
  subject uuid,
  kyc_level text CHECK (kyc_level IN ('none', 'basic', 'full')),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  measure text NOT NULL CHECK (measure IN ('amount', 'count')),
  -- NULL: each payment for itself.
  window_seconds integer CHECK (window_seconds > 0),
  CHECK (window_seconds IS NOT NULL OR measure = 'amount')
);

-- Append-only: what a bucket in the ledger is to have follows from all of them.
CREATE TABLE limit_revisions (
  limit_id uuid NOT NULL REFERENCES limits,
  revision integer NOT NULL CHECK (revision > 0),
  maximum bigint NOT NULL CHECK (maximum >= 0),
  -- Of the last one only.
  removed boolean NOT NULL,
  user_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  -- SHA-256 of what was asked for.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  PRIMARY KEY (limit_id, revision),
  UNIQUE (user_id, idempotency_key)
);

CREATE FUNCTION refuse_change_of_removed_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM limit_revisions AS r WHERE r.limit_id = NEW.limit_id AND r.removed) THEN
    RAISE EXCEPTION 'limit % was removed', NEW.limit_id;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER removed_limits_do_not_change BEFORE INSERT ON limit_revisions
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_removed_limit();

GRANT SELECT, INSERT ON limits, limit_revisions TO payments;

ALTER TABLE payments
  -- What the payment uses of limits, decided with its intent
  -- (services/payments/domain/limit.h). NULL for most payments, whose rows stay as small as they
  -- were.
  ADD COLUMN limit_uses text CHECK (limit_uses <> ''),
  -- Where a limit refuses it: which, and what was left.
  ADD COLUMN limit_refusal text CHECK (limit_refusal <> ''),
  ADD CONSTRAINT payments_refused_by_limits CHECK (
    limit_refusal IS NULL OR state IN ('processing', 'failed')),
  -- What is to be refused uses nothing.
  ADD CONSTRAINT payments_use_or_are_refused CHECK (
    limit_uses IS NULL OR limit_refusal IS NULL OR state = 'failed');

GRANT UPDATE (limit_refusal) ON payments TO payments;
