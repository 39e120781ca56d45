// From e-mail and password to an access token.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/store/role_store.h"
#include "services/auth/store/store.h"

namespace florin::auth {

inline constexpr absl::Duration kAccessTokenLifetime = absl::Minutes(10);

struct AccessToken {
  std::string token;
  std::string scope;
};

// Thread-safe. The arguments of the constructor outlive it.
class PasswordLogin {
 public:
  PasswordLogin(Store& store, RoleStore& roles, PasswordHasher& hasher, const SigningKeys& keys,
                Clock& clock, IdSource& ids)
      : store_(store), roles_(roles), hasher_(hasher), keys_(keys), clock_(clock), ids_(ids) {}

  // An unknown e-mail and a wrong password give the same error after the same work. A hash whose
  // parameters are not those of today is replaced when its password is at hand. The scopes are
  // those of the user's roles at most; what no user may have is refused before the password is
  // looked at, what this one may not have only after it was right. Errors: kInvalidScope,
  // kInvalidCredentials, kOverloaded, kUnavailable.
  Task<absl::StatusOr<AccessToken>> Run(std::string email, std::string password, std::string scope);

 private:
  Task<absl::StatusOr<std::optional<User>>> Find(std::string email);
  Task<void> Rehash(User user, std::string password);
  std::string Sign(const User& user, const std::string& scope);

  Store& store_;
  RoleStore& roles_;
  PasswordHasher& hasher_;
  const SigningKeys& keys_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::auth
