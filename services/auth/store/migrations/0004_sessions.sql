-- Sessions of people with the pages of the authorization server, and logins that are under way.
-- Secrets of cookies are kept as SHA-256 only.
--
-- Rows are deleted when they end: what an ended session did is the audit trail's to tell, and a
-- network address is kept no longer than it serves.
CREATE TABLE sessions (
  session_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
  proofs smallint NOT NULL CHECK (proofs BETWEEN 1 AND 15),
  create_time timestamptz NOT NULL,
  auth_time timestamptz NOT NULL,
  active_time timestamptz NOT NULL,
  client_address text NOT NULL CHECK (octet_length(client_address) <= 64),
  user_agent text NOT NULL CHECK (octet_length(user_agent) <= 200)
);
CREATE INDEX sessions_by_user ON sessions (user_id, active_time DESC);

CREATE TABLE logins (
  secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
  step smallint NOT NULL CHECK (step BETWEEN 1 AND 4),
  -- Known from the first factor on.
  user_id uuid REFERENCES users CHECK (user_id IS NOT NULL OR step = 1),
  proofs smallint NOT NULL CHECK (proofs BETWEEN 0 AND 15),
  auth_time timestamptz CHECK (auth_time IS NOT NULL OR step = 1),
  demand smallint NOT NULL CHECK (demand BETWEEN 0 AND 3),
  request_uri text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  ceremony text COLLATE "C" NOT NULL,
  create_time timestamptz NOT NULL
);
CREATE INDEX logins_by_create_time ON logins (create_time);

GRANT SELECT, INSERT, DELETE ON sessions, logins TO auth;
GRANT UPDATE (secret_hash, proofs, auth_time, active_time, client_address, user_agent)
  ON sessions TO auth;
GRANT UPDATE (secret_hash, step, user_id, proofs, auth_time, demand, request_uri, client_id,
  ceremony) ON logins TO auth;
-- Whoever is logging in for an app gets the time it takes; see OAuthStore::HoldRequest.
GRANT UPDATE (expires_at) ON oauth_requests TO auth;
