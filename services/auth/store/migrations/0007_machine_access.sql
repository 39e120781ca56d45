-- API keys, roles, and what two people decide together.

CREATE TABLE api_keys (
  api_key_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  display_name text NOT NULL CHECK (display_name <> ''),
  mode text NOT NULL CHECK (mode IN ('test', 'live')),
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
  allowed_networks text[] NOT NULL,
  -- The OAuth client or the user who made it.
  created_by text NOT NULL,
  create_time timestamptz NOT NULL,
  expire_time timestamptz,
  revoke_time timestamptz,
  last_use_time timestamptz
);

-- The list of a user's keys, oldest first: ids sort by creation.
CREATE INDEX api_keys_of_user ON api_keys (user_id, api_key_id);

-- A key has one secret, and during a rotation the one before as well.
CREATE TABLE api_key_secrets (
  -- SHA-256 of the key's whole text, which has 190 random bits.
  secret_digest bytea PRIMARY KEY CHECK (octet_length(secret_digest) = 32),
  api_key_id uuid NOT NULL REFERENCES api_keys,
  prefix text NOT NULL CHECK (char_length(prefix) = 17),
  create_time timestamptz NOT NULL,
  -- When it dies, since a newer one replaced it.
  expire_time timestamptz,
  -- A secret is newer than those with lesser numbers.
  number integer NOT NULL CHECK (number > 0),
  UNIQUE (api_key_id, number)
);

-- The requests that made keys and secrets. Never the secrets: a replay has none to give.
CREATE TABLE api_key_requests (
  user_id uuid NOT NULL,
  method text NOT NULL CHECK (method IN ('create', 'rotate')),
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  -- Deferred, since the request comes first: it decides whether there will be a secret.
  secret_digest bytea NOT NULL REFERENCES api_key_secrets DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (user_id, method, idempotency_key)
);

-- Everybody is a customer, which is not kept.
CREATE TABLE user_roles (
  user_id uuid NOT NULL REFERENCES users,
  role text NOT NULL CHECK (role IN ('merchant', 'operator', 'admin')),
  -- false: the user had it once.
  assigned boolean NOT NULL,
  PRIMARY KEY (user_id, role)
);

-- Every change of a role, for ever. Its id comes from the request or the proposal behind it, so
-- that each takes effect once.
CREATE TABLE role_changes (
  change_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  role text NOT NULL CHECK (role IN ('merchant', 'operator', 'admin')),
  assigned boolean NOT NULL,  -- false: removed
  -- The certificate's name.
  changed_by text NOT NULL,
  proposal_id uuid,
  change_time timestamptz NOT NULL
);

-- The first two admins, whom nobody could have approved. There are no more places.
CREATE TABLE founders (
  place integer PRIMARY KEY CHECK (place IN (1, 2)),
  user_id uuid NOT NULL UNIQUE REFERENCES users,
  change_id uuid NOT NULL UNIQUE REFERENCES role_changes
);

CREATE TABLE proposals (
  proposal_id uuid PRIMARY KEY,
  kind text NOT NULL,
  payload text NOT NULL CHECK (octet_length(payload) <= 8192),
  payload_digest text NOT NULL CHECK (payload_digest ~ '^[0-9a-f]{64}$'),
  maker text NOT NULL,
  people_needed integer NOT NULL CHECK (people_needed >= 2),
  state text NOT NULL DEFAULT 'proposed'
    CHECK (state IN ('proposed', 'approved', 'executed', 'rejected', 'withdrawn')),
  create_time timestamptz NOT NULL,
  expire_time timestamptz NOT NULL CHECK (expire_time > create_time),
  execution_id text COLLATE "C",
  idempotency_key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  CHECK ((state = 'executed') = (execution_id IS NOT NULL)),
  UNIQUE (maker, idempotency_key)
);

CREATE TABLE proposal_decisions (
  proposal_id uuid NOT NULL REFERENCES proposals,
  number integer NOT NULL CHECK (number > 0),
  decision text NOT NULL CHECK (decision IN ('approved', 'executed', 'rejected', 'withdrawn')),
  actor text NOT NULL,
  decision_time timestamptz NOT NULL,
  PRIMARY KEY (proposal_id, number),
  UNIQUE (proposal_id, decision, actor)
);
-- Whatever the program does, one proposal is executed once.
CREATE UNIQUE INDEX proposal_executed_once ON proposal_decisions (proposal_id)
  WHERE decision = 'executed';

-- Nor is its maker ever its checker.
CREATE FUNCTION check_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.decision IN ('approved', 'rejected') AND NEW.actor =
      (SELECT p.maker FROM proposals AS p WHERE p.proposal_id = NEW.proposal_id) THEN
    RAISE EXCEPTION 'the maker of a proposal does not decide on it';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER four_eyes BEFORE INSERT ON proposal_decisions
  FOR EACH ROW EXECUTE FUNCTION check_four_eyes();

GRANT SELECT, INSERT ON api_keys, api_key_secrets, api_key_requests, user_roles, role_changes,
  founders, proposals, proposal_decisions TO auth;
GRANT UPDATE (revoke_time, last_use_time) ON api_keys TO auth;
GRANT UPDATE (expire_time) ON api_key_secrets TO auth;
GRANT UPDATE (assigned) ON user_roles TO auth;
GRANT UPDATE (state, execution_id) ON proposals TO auth;
