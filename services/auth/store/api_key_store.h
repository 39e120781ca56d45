// What auth keeps of API keys. Never a secret, only its SHA-256.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/api_key.h"

namespace florin::auth {

// The request behind a new secret. Its key is one user's and one method's.
struct SecretRequest {
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};

struct NewSecret {
  crypto::Digest digest;
  std::string prefix;
  absl::Time create_time;
};

// What is kept under a request's key.
struct StoredApiKey {
  ApiKey key;
  bool same_request = false;  // Whether it came with the same fingerprint.
  bool made = false;          // Whether the secret of this very call is the one: not a replay.
};

// A key and the secret by which it was found.
struct FoundApiKey {
  ApiKey key;
  std::optional<absl::Time> secret_expire_time;
};

// Every change is in the audit trail, by its own transaction, as auth.api_key.create, rotate and
// revoke. Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable.
// Errors besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class ApiKeyStore {
 public:
  virtual ~ApiKeyStore() = default;

  // Keeps the key (whose `secrets` are not looked at) with its first secret, unless the request's
  // key is known, and gives what is kept under it afterwards.
  virtual Task<absl::StatusOr<StoredApiKey>> Create(ApiKey key, NewSecret secret,
                                                    SecretRequest request) = 0;

  // Adds a secret, unless the request's key is known, and has the others expire at
  // `others_expire_time` at the latest. Of rotations at once each is done, in some order. Errors:
  // kApiKeyNotFound, also for another user's key; kApiKeyRevoked if it has ended by
  // `secret.create_time` (but a replay is answered).
  virtual Task<absl::StatusOr<StoredApiKey>> Rotate(Uuid user_id, Uuid api_key_id, NewSecret secret,
                                                    absl::Time others_expire_time,
                                                    SecretRequest request) = 0;

  // The user's keys, oldest (least id) first, at most `limit`, only those after `after`, if given.
  virtual Task<absl::StatusOr<std::vector<ApiKey>>> List(Uuid user_id, std::optional<Uuid> after,
                                                         int limit) = 0;

  // Ends the key, unless it was revoked before: the first time stays. Error: kApiKeyNotFound, also
  // for another user's key.
  virtual Task<absl::StatusOr<ApiKey>> Revoke(Uuid user_id, Uuid api_key_id, absl::Time now,
                                              audit::Origin origin) = 0;

  // Whatever has become of it.
  virtual Task<absl::StatusOr<std::optional<FoundApiKey>>> FindBySecret(crypto::Digest digest) = 0;

  // Notes a use, unless one within kUseResolution before `now`, or a later one, is noted already.
  virtual Task<absl::Status> NoteUse(Uuid api_key_id, absl::Time now) = 0;
};

}  // namespace florin::auth
