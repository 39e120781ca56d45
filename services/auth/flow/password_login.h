// From e-mail and password to an access token.
#pragma once

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/signing_keys.h"
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
  PasswordLogin(Store& store, PasswordHasher& hasher, const SigningKeys& keys, Clock& clock,
                IdSource& ids, std::string issuer)
      : store_(store),
        hasher_(hasher),
        keys_(keys),
        clock_(clock),
        ids_(ids),
        issuer_(std::move(issuer)) {}

  // The token is of the client kFirstPartyClient and says that a password alone was shown now. An
  // unknown e-mail and a wrong password give the same error after the same work. A hash whose
  // parameters are not those of today is replaced when its password is at hand. Errors:
  // kInvalidScope, kInvalidCredentials, kOverloaded, kUnavailable.
  Task<absl::StatusOr<AccessToken>> Run(std::string email, std::string password, std::string scope);

 private:
  Task<absl::StatusOr<std::optional<User>>> Find(std::string email);
  Task<void> Rehash(User user, std::string password);
  std::string Sign(const User& user, const std::string& scope);

  Store& store_;
  PasswordHasher& hasher_;
  const SigningKeys& keys_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
