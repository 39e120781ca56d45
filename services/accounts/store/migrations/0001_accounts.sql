-- Customers, their accounts, and the idempotency of the requests that made them. Balances are the
-- ledger's.
CREATE TABLE customers (
  user_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  display_name text NOT NULL CHECK (display_name <> ''),
  idempotency_key text NOT NULL,
  -- SHA-256 of the canonical request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  -- Begins with the owner, so that no lookup can forget whose they are.
  PRIMARY KEY (user_id, customer_id),
  UNIQUE (user_id, idempotency_key)
);

CREATE TABLE accounts (
  account_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  display_name text NOT NULL,
  -- 'opening' until the ledger has it.
  state text NOT NULL DEFAULT 'opening' CHECK (state IN ('opening', 'open')),
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  UNIQUE (user_id, idempotency_key),
  FOREIGN KEY (user_id, customer_id) REFERENCES customers
);

-- The list of a user's accounts, oldest first: ids sort by creation.
CREATE INDEX accounts_by_user ON accounts (user_id, account_id);
CREATE INDEX accounts_opening ON accounts (create_time) WHERE state = 'opening';

GRANT SELECT, INSERT ON customers, accounts TO accounts;
GRANT UPDATE (state) ON accounts TO accounts;
