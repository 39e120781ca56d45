// Makes, replaces and verifies the keys of users' programs.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/crypto/api_key.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/store/api_key_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it. Errors of all methods besides those
// named: kUnavailable (repeat with the same key), kInternal.
class ApiKeys {
 public:
  struct Wish {
    Uuid user_id;
    std::string display_name;
    std::vector<std::string> scopes;
    std::vector<std::string> allowed_networks;
    std::optional<absl::Time> expire_time;
    std::string created_by;
    std::string idempotency_key;
    audit::Origin origin = {};
  };
  struct Made {
    ApiKey key;
    std::string secret;  // Empty where an earlier request made it: it is not kept.
  };
  // What a key that may be used allows now.
  struct Verdict {
    ApiKey key;
    std::vector<std::string> scopes;  // That its owner still has.
    std::optional<absl::Time> expire_time;
  };

  // `mode` is the deployment's.
  ApiKeys(ApiKeyStore& store, RoleStore& roles, Clock& clock, IdSource& ids,
          crypto::ApiKeyMode mode)
      : store_(store), roles_(roles), clock_(clock), ids_(ids), mode_(mode) {}

  // Errors: kScopeMissing if the user may not manage keys any more; kInvalidDisplayName;
  // kInvalidScope for one that the user does not have or keys cannot have; kInvalidNetwork;
  // kInvalidField with param `expire_time` if that is not in the future; kIdempotencyKeyReused.
  Task<absl::StatusOr<Made>> Create(Wish wish);

  // The secrets before live on for `overlap`. Errors: kScopeMissing, kApiKeyNotFound,
  // kApiKeyRevoked, kIdempotencyKeyReused.
  Task<absl::StatusOr<Made>> Rotate(Uuid user_id, Uuid api_key_id, absl::Duration overlap,
                                    std::string idempotency_key, audit::Origin origin);

  // The secret's SHA-256 and the mode that its text names. Notes the use; that this fails does not
  // matter. Errors: kTokenInvalid, kTokenExpired, kApiKeyWrongMode.
  Task<absl::StatusOr<Verdict>> Verify(crypto::Digest secret, std::string mode);

  Task<absl::StatusOr<ApiKey>> Revoke(Uuid user_id, Uuid api_key_id, audit::Origin origin);

 private:
  absl::Time Now() const;
  Task<absl::StatusOr<Roles>> RolesOfManager(Uuid user_id);
  // A new key's text, and what is kept of it.
  std::pair<std::string, NewSecret> MakeSecret(absl::Time now) const;

  ApiKeyStore& store_;
  RoleStore& roles_;
  Clock& clock_;
  IdSource& ids_;
  const crypto::ApiKeyMode mode_;
};

}  // namespace florin::auth
