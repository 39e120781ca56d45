-- What accounts are for, and who holds them besides the user whose customer has them
-- (docs/accounts-holders.md).
ALTER TABLE accounts
  -- For life: nobody may update it.
  ADD COLUMN kind text NOT NULL DEFAULT 'wallet' CHECK (kind IN ('wallet', 'merchant', 'savings'));

-- An invitation and what became of it; who is invited again has another row. Names are those of the
-- customers: nothing here is personal but ids.
CREATE TABLE holders (
  -- Sorts by the time of the invitation.
  holder_id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts,
  user_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'payer', 'viewer')),
  state text NOT NULL DEFAULT 'invited' CHECK (state IN ('invited', 'active', 'ended')),
  invited_by uuid NOT NULL,
  -- The holder's customer, once they have accepted: the holding ends with it.
  customer_id uuid,
  idempotency_key text NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  UNIQUE (invited_by, idempotency_key),
  FOREIGN KEY (user_id, customer_id) REFERENCES customers,
  CONSTRAINT holders_accepted CHECK (state <> 'active' OR customer_id IS NOT NULL)
);
-- One that has not ended for each user and account.
CREATE UNIQUE INDEX holders_live ON holders (account_id, user_id) WHERE state <> 'ended';
CREATE INDEX holders_by_account ON holders (account_id, user_id, holder_id);
CREATE INDEX holders_by_user ON holders (user_id, account_id) WHERE state <> 'ended';
CREATE INDEX holders_by_customer ON holders (customer_id) WHERE customer_id IS NOT NULL;

GRANT SELECT, INSERT ON holders TO accounts;
GRANT UPDATE (role, state, customer_id, update_time) ON holders TO accounts;
