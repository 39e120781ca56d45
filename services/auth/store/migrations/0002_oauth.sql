-- OAuth: clients, pushed authorization requests, consents, grants, and what was issued from grants.
--
-- Codes, refresh tokens and request URIs are kept as their SHA-256, so that who reads the database
-- can use none of them.

-- Registered by operators. Nothing but disable_time ever changes.
CREATE TABLE oauth_clients (
  client_id text COLLATE "C" PRIMARY KEY CHECK (client_id ~ '^[a-z][a-z0-9-]{2,63}$'),
  confidential boolean NOT NULL,
  client_name text NOT NULL,
  redirect_uris text[] NOT NULL,
  auth_method text NOT NULL,
  jwks text NOT NULL,
  certificate_thumbprint text NOT NULL,
  grant_types text[] NOT NULL,
  scopes text[] NOT NULL,
  dpop_bound boolean NOT NULL,
  require_mtls boolean NOT NULL,
  cors_origins text[] NOT NULL,
  first_party boolean NOT NULL,
  create_time timestamptz NOT NULL,
  disable_time timestamptz
);

-- Client assertions that were used (RFC 7523), until they expire.
CREATE TABLE oauth_assertions (
  client_id text COLLATE "C" NOT NULL REFERENCES oauth_clients,
  -- SHA-256 of the jti, whose length is the client's choice.
  jti bytea NOT NULL CHECK (octet_length(jti) = 32),
  attempt uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, jti)
);
CREATE INDEX ON oauth_assertions (expires_at);

-- used_by: the attempt that used it up.
CREATE TABLE oauth_requests (
  request_uri bytea PRIMARY KEY CHECK (octet_length(request_uri) = 32),
  client_id text COLLATE "C" NOT NULL REFERENCES oauth_clients,
  redirect_uri text NOT NULL,
  scopes text[] NOT NULL,
  state text NOT NULL,
  nonce text NOT NULL,
  code_challenge text NOT NULL,
  prompt text[] NOT NULL,
  max_age_seconds bigint,
  login_hint text NOT NULL,
  acr_values text[] NOT NULL,
  key_thumbprint text NOT NULL,
  expires_at timestamptz NOT NULL,
  used_by uuid
);
CREATE INDEX ON oauth_requests (expires_at);

CREATE TABLE oauth_consents (
  user_id uuid NOT NULL,
  client_id text COLLATE "C" NOT NULL REFERENCES oauth_clients,
  scopes text[] NOT NULL,
  record_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, client_id)
);

-- What one user gave to one client at one time: the family of its refresh tokens.
CREATE TABLE oauth_grants (
  grant_id uuid PRIMARY KEY,
  client_id text COLLATE "C" NOT NULL REFERENCES oauth_clients,
  user_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  auth_time timestamptz NOT NULL,
  acr text NOT NULL,
  amr text[] NOT NULL,
  scopes text[] NOT NULL,
  nonce text NOT NULL,
  create_time timestamptz NOT NULL,
  revoke_time timestamptz
);
CREATE INDEX ON oauth_grants (user_id, create_time);
CREATE INDEX ON oauth_grants (client_id);
CREATE INDEX ON oauth_grants (session_id);
CREATE INDEX ON oauth_grants (create_time);

-- redeemed_by: the attempt that redeemed it. It stays after that, so that a second try is known for
-- what it is.
CREATE TABLE oauth_codes (
  code bytea PRIMARY KEY CHECK (octet_length(code) = 32),
  grant_id uuid NOT NULL UNIQUE REFERENCES oauth_grants ON DELETE CASCADE,
  redirect_uri text NOT NULL,
  code_challenge text NOT NULL,
  key_thumbprint text NOT NULL,
  expires_at timestamptz NOT NULL,
  redeemed_by uuid
);

CREATE TABLE oauth_refresh_tokens (
  token bytea PRIMARY KEY CHECK (octet_length(token) = 32),
  grant_id uuid NOT NULL REFERENCES oauth_grants ON DELETE CASCADE,
  key_thumbprint text NOT NULL,
  certificate_thumbprint text NOT NULL,
  used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  replaced_at timestamptz
);
CREATE INDEX ON oauth_refresh_tokens (grant_id);

-- Not the tokens, which are signed and kept by nobody here: their ids, for revocation.
CREATE TABLE oauth_access_tokens (
  token_id uuid PRIMARY KEY,
  grant_id uuid REFERENCES oauth_grants ON DELETE CASCADE,
  client_id text COLLATE "C" NOT NULL REFERENCES oauth_clients,
  expires_at timestamptz NOT NULL,
  revoke_time timestamptz
);
CREATE INDEX ON oauth_access_tokens (grant_id);
CREATE INDEX ON oauth_access_tokens (expires_at);

GRANT SELECT, INSERT ON oauth_clients TO auth;
GRANT UPDATE (disable_time) ON oauth_clients TO auth;
GRANT SELECT, INSERT, DELETE ON oauth_assertions, oauth_requests, oauth_consents, oauth_grants,
  oauth_codes, oauth_refresh_tokens, oauth_access_tokens TO auth;
GRANT UPDATE (used_by) ON oauth_requests TO auth;
GRANT UPDATE (scopes, record_time) ON oauth_consents TO auth;
GRANT UPDATE (revoke_time) ON oauth_grants, oauth_access_tokens TO auth;
GRANT UPDATE (redeemed_by) ON oauth_codes TO auth;
GRANT UPDATE (used_at, replaced_at) ON oauth_refresh_tokens TO auth;
