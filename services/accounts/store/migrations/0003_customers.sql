-- Customers' states and verifications, and their personal data sealed under a key of their own
-- (docs/customers.md).
--
-- Rows from before have their names in the plain columns `display_name`: the service seals them and
-- empties those columns after it has started, and reads both until then. A program from before this
-- migration cannot read what is sealed: stop all of them before one with this migration serves.
ALTER TABLE customers
  ALTER COLUMN display_name DROP NOT NULL,
  -- Empty until a profile says it.
  ADD COLUMN kind text NOT NULL DEFAULT '' CHECK (kind IN ('', 'person', 'business')),
  ADD COLUMN state text NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'suspended', 'closed', 'erased')),
  ADD COLUMN kyc_level text NOT NULL DEFAULT 'none' CHECK (kyc_level IN ('none', 'basic', 'full')),
  -- The customer's AES-256 key, sealed by the ring's key `data_key_id`. Without it the sealed
  -- columns are noise, here and in every backup.
  ADD COLUMN data_key bytea,
  ADD COLUMN data_key_id text COLLATE "C",
  ADD COLUMN display_name_sealed bytea,
  ADD COLUMN profile_sealed bytea,
  -- HMAC-SHA-256 of the normalized e-mail address and phone number: equal for equal ones, so that
  -- they can be found, and so that whoever reads the table sees who shares one.
  ADD COLUMN email_index bytea CHECK (octet_length(email_index) = 32),
  ADD COLUMN phone_index bytea CHECK (octet_length(phone_index) = 32),
  -- What a customer who is being closed or erased becomes, how often that was begun, and when a
  -- worker looks after it.
  ADD COLUMN leaving_to text CHECK (leaving_to IN ('closed', 'erased')),
  ADD COLUMN leaving_attempt integer NOT NULL DEFAULT 0,
  ADD COLUMN next_attempt_time timestamptz,
  ADD CONSTRAINT customers_data_key CHECK ((data_key IS NULL) = (data_key_id IS NULL)),
  ADD CONSTRAINT customers_named CHECK (
    state = 'erased' OR num_nonnulls(display_name, display_name_sealed) = 1),
  ADD CONSTRAINT customers_sealed CHECK (
    data_key IS NOT NULL OR num_nonnulls(display_name_sealed, profile_sealed) = 0),
  ADD CONSTRAINT customers_erased CHECK (
    state <> 'erased' OR num_nonnulls(display_name, data_key, display_name_sealed, profile_sealed,
      email_index, phone_index) = 0),
  ADD CONSTRAINT customers_leaving CHECK ((leaving_to IS NULL) = (next_attempt_time IS NULL));

-- Operators and workers name a customer without its user.
CREATE UNIQUE INDEX customers_by_id ON customers (customer_id);
CREATE INDEX customers_by_email ON customers (email_index) WHERE email_index IS NOT NULL;
CREATE INDEX customers_by_phone ON customers (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX customers_by_data_key ON customers (data_key_id) WHERE data_key_id IS NOT NULL;
CREATE INDEX customers_unsealed ON customers (customer_id) WHERE display_name IS NOT NULL;
CREATE INDEX customers_leaving ON customers (next_attempt_time) WHERE leaving_to IS NOT NULL;

-- Both names are NULL once the account's customer is erased.
ALTER TABLE accounts
  ALTER COLUMN display_name DROP NOT NULL,
  ADD COLUMN display_name_sealed bytea,
  ADD CONSTRAINT accounts_named CHECK (num_nonnulls(display_name, display_name_sealed) <= 1),
  DROP CONSTRAINT accounts_state_check,
  -- 'closed' with its customer, in the ledger as well.
  ADD CONSTRAINT accounts_state_check CHECK (state IN ('opening', 'open', 'closed'));
CREATE INDEX accounts_by_customer ON accounts (user_id, customer_id, account_id);
CREATE INDEX accounts_unsealed ON accounts (account_id) WHERE display_name IS NOT NULL;

CREATE TABLE verifications (
  verification_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  level text NOT NULL CHECK (level IN ('basic', 'full')),
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
  -- Of a rejection: a code, never a sentence.
  reason text NOT NULL DEFAULT '' CHECK (reason ~ '^[a-z_]{0,40}$'),
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  expire_time timestamptz NOT NULL,
  -- When a worker asks the verifier (again).
  next_attempt_time timestamptz NOT NULL,
  UNIQUE (user_id, idempotency_key),
  FOREIGN KEY (user_id, customer_id) REFERENCES customers
);
CREATE INDEX verifications_by_customer ON verifications (user_id, customer_id, verification_id);
-- One at a time.
CREATE UNIQUE INDEX verifications_pending ON verifications (customer_id) WHERE state = 'pending';
CREATE INDEX verifications_due ON verifications (next_attempt_time) WHERE state = 'pending';

GRANT UPDATE (display_name, kind, state, kyc_level, data_key, data_key_id, display_name_sealed,
  profile_sealed, email_index, phone_index, leaving_to, leaving_attempt, next_attempt_time,
  fingerprint) ON customers TO accounts;
GRANT UPDATE (display_name, display_name_sealed, fingerprint) ON accounts TO accounts;
GRANT SELECT, INSERT ON verifications TO accounts;
GRANT UPDATE (state, reason, update_time, next_attempt_time) ON verifications TO accounts;
