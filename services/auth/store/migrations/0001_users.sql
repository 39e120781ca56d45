-- Users and the requests that registered them.
--
-- A registration is kept whether it made a user or was refused because its e-mail was taken, so
-- that its key gives the same answer for ever: a registration without a user was refused. It has no
-- user as a scope, since there is none yet: keys are shared by all registrations.
CREATE TABLE registrations (
  idempotency_key text COLLATE "C" PRIMARY KEY,
  -- SHA-256 of the method and the e-mail. Never of the password: a fast digest of it would undo
  -- Argon2id.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32)
);

CREATE TABLE users (
  user_id uuid PRIMARY KEY,
  -- Lower case, so that UNIQUE means what people mean.
  email text COLLATE "C" NOT NULL UNIQUE
    CHECK (email = lower(email) AND octet_length(email) <= 254),
  password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
  create_time timestamptz NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL UNIQUE REFERENCES registrations
);

GRANT SELECT, INSERT ON registrations, users TO auth;
-- A login rewrites the hash when its parameters have changed.
GRANT UPDATE (password_hash) ON users TO auth;
