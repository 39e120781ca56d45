// What auth keeps of logins that are under way (domain/login_flow.h), under the SHA-256 of a
// cookie's secret.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/crypto/sha256.h"
#include "libs/status/status.h"
#include "services/auth/domain/login_flow.h"

namespace florin::auth {

// Thread-safe. Errors of all methods: kUnavailable, kInternal.
class LoginStore {
 public:
  virtual ~LoginStore() = default;

  // Keeps a new login. Forgets some of those that began before `forget_before`, so that what nobody
  // finishes does not pile up. Idempotent by the secret.
  virtual Task<absl::StatusOr<bool>> Insert(Login login, crypto::Digest secret,
                                            absl::Time forget_before) = 0;

  virtual Task<absl::StatusOr<std::optional<Login>>> Find(crypto::Digest secret) = 0;

  // Replaces the login and its secret (which may stay the same). Gives whether there was one under
  // `current`; of concurrent steps that each replace the secret one wins.
  virtual Task<absl::StatusOr<bool>> Replace(crypto::Digest current, crypto::Digest replacement,
                                             Login login) = 0;

  // Notes the passkey challenge that the page under way gives out. Gives whether there was a login.
  virtual Task<absl::StatusOr<bool>> NoteCeremony(crypto::Digest secret, std::string ceremony) = 0;

  // Gives whether there was one. Idempotent.
  virtual Task<absl::StatusOr<bool>> Remove(crypto::Digest secret) = 0;
};

}  // namespace florin::auth
