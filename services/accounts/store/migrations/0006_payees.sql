-- Whom users pay (docs/payees.md). Names and IBANs are personal data of others that a customer has
-- entrusted: sealed under its key, and gone with it.
CREATE TABLE payees (
  -- Sorts by time.
  payee_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  -- An account of Florin; NULL where the payee is elsewhere.
  account_id uuid,
  -- Name and IBAN, sealed. NULL once it is deleted.
  details_sealed bytea,
  name_match text NOT NULL
    CHECK (name_match IN ('match', 'close_match', 'no_match', 'not_available')),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted')),
  idempotency_key text NOT NULL,
  -- HMAC: there is a name in the request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  -- From when on it may be paid as much as any other.
  usable_time timestamptz NOT NULL,
  UNIQUE (user_id, idempotency_key),
  FOREIGN KEY (user_id, customer_id) REFERENCES customers,
  CONSTRAINT payees_deleted CHECK ((state = 'deleted') = (details_sealed IS NULL))
);
CREATE INDEX payees_by_user ON payees (user_id, payee_id) WHERE state = 'active';
CREATE INDEX payees_by_account ON payees (user_id, account_id) WHERE state = 'active';
CREATE INDEX payees_by_customer ON payees (user_id, customer_id);

GRANT SELECT, INSERT ON payees TO accounts;
GRANT UPDATE (details_sealed, state, fingerprint) ON payees TO accounts;
