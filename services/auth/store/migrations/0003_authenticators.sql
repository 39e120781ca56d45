-- What users prove themselves with beside a password, and what protects it from guessing.

-- When the user showed that the e-mail address is theirs.
ALTER TABLE users ADD COLUMN email_verify_time timestamptz;
GRANT UPDATE (email_verify_time) ON users TO auth;

-- One-time codes (RFC 6238). One for each user.
CREATE TABLE totp_secrets (
  user_id uuid PRIMARY KEY REFERENCES users,
  factor_id uuid NOT NULL UNIQUE,
  -- AES-256-GCM, bound to this column and the factor (libs/crypto/envelope.h).
  sealed_secret bytea NOT NULL,
  create_time timestamptz NOT NULL,
  -- When a first code was right; not in force before.
  confirm_time timestamptz,
  -- Of the latest code that was accepted: no code counts twice.
  last_counter bigint NOT NULL DEFAULT -1,
  last_use_time timestamptz
);

-- Passkeys (WebAuthn).
CREATE TABLE passkeys (
  credential_id bytea PRIMARY KEY CHECK (octet_length(credential_id) BETWEEN 16 AND 1023),
  factor_id uuid NOT NULL UNIQUE,
  user_id uuid NOT NULL REFERENCES users,
  label text NOT NULL,
  -- COSE's number and the public key's octets (libs/crypto/webauthn.h).
  algorithm int NOT NULL CHECK (algorithm IN (-7, -8, -257)),
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
  backup_eligible boolean NOT NULL,
  backed_up boolean NOT NULL,
  create_time timestamptz NOT NULL,
  last_use_time timestamptz
);
CREATE INDEX passkeys_of_user ON passkeys (user_id);

-- SHA-256 of 80 random bits and the user's id: nothing that could be guessed against, so that a
-- slow hash would protect nothing.
CREATE TABLE recovery_codes (
  user_id uuid NOT NULL REFERENCES users,
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  -- The same for all that were issued together.
  factor_id uuid NOT NULL,
  create_time timestamptz NOT NULL,
  use_time timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

-- Challenges of ceremonies under way. Taking one deletes it.
CREATE TABLE challenges (
  challenge_id uuid PRIMARY KEY,
  purpose text NOT NULL,
  -- Null: of whoever answers it.
  user_id uuid REFERENCES users,
  challenge bytea NOT NULL CHECK (octet_length(challenge) = 32),
  expire_time timestamptz NOT NULL
);
CREATE INDEX challenges_by_end ON challenges (expire_time);

-- What users were asked to approve, and how it ended. Kept as evidence: inserted, never changed.
CREATE TABLE approvals (
  approval_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  octets bytea NOT NULL CHECK (octet_length(octets) BETWEEN 1 AND 4096),
  nonce bytea NOT NULL CHECK (octet_length(nonce) = 32),
  create_time timestamptz NOT NULL,
  expire_time timestamptz NOT NULL
);
CREATE TABLE approval_ends (
  -- An approval ends once.
  approval_id uuid PRIMARY KEY REFERENCES approvals,
  approved boolean NOT NULL,
  -- Of an approval: what it was approved with.
  factor_id uuid,
  kind text CHECK (kind IN ('passkey', 'totp')),
  -- The passkey's answer, from which anybody with its public key can verify the approval again.
  -- Null for a one-time code.
  credential text,
  end_time timestamptz NOT NULL,
  CHECK (approved = (factor_id IS NOT NULL AND kind IS NOT NULL))
);

-- How often somebody has guessed (domain/throttle.h). A lane's name is hashed: no address is here.
CREATE TABLE throttles (
  lane bytea PRIMARY KEY CHECK (octet_length(lane) = 32),
  failures int NOT NULL DEFAULT 0,
  -- Null: never.
  last_attempt timestamptz,
  blocked_until timestamptz
);
CREATE INDEX throttles_by_attempt ON throttles (last_attempt);

-- Devices that a user has logged in from: SHA-256 of a random cookie.
CREATE TABLE known_devices (
  user_id uuid NOT NULL REFERENCES users,
  device_hash bytea NOT NULL CHECK (octet_length(device_hash) = 32),
  create_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, device_hash)
);

-- E-mailed tokens: one of each purpose for each user, so that a newer one voids the older.
CREATE TABLE email_tokens (
  user_id uuid NOT NULL REFERENCES users,
  purpose text NOT NULL CHECK (purpose IN ('password_reset', 'email_verification')),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  -- Where it was sent: it proves that address and no other.
  email text COLLATE "C" NOT NULL,
  expire_time timestamptz NOT NULL,
  -- A used token is kept, so that a repeated request for the same is answered as the first.
  use_time timestamptz,
  PRIMARY KEY (user_id, purpose)
);

GRANT SELECT, INSERT, DELETE ON totp_secrets, passkeys, recovery_codes, challenges TO auth;
GRANT UPDATE ON totp_secrets TO auth;
GRANT UPDATE (sign_count, backed_up, last_use_time) ON passkeys TO auth;
GRANT UPDATE (use_time) ON recovery_codes TO auth;
GRANT SELECT, INSERT ON approvals, approval_ends TO auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO auth;
GRANT SELECT, INSERT ON known_devices TO auth;
GRANT SELECT, INSERT, UPDATE ON email_tokens TO auth;
