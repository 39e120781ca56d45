// From e-mail, password and second factor to an access token.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

inline constexpr absl::Duration kAccessTokenLifetime = absl::Minutes(10);

struct LoginRequest {
  std::string email;
  std::string password;
  std::string scope;
  // At most one of them; needed for a user with second factors.
  std::string totp_code = {};
  std::string recovery_code = {};
  Network network = {};
};

struct AccessToken {
  std::string token;
  std::string scope;
};

// Thread-safe. The arguments of the constructor outlive it.
class PasswordLogin {
 public:
  PasswordLogin(Authenticators& authenticators, RoleStore& roles, const SigningKeys& keys,
                Clock& clock, IdSource& ids, std::string issuer)
      : authenticators_(authenticators),
        roles_(roles),
        keys_(keys),
        clock_(clock),
        ids_(ids),
        issuer_(std::move(issuer)) {}

  // The token is of the client kFirstPartyClient and says how its user was authenticated: `acr`
  // urn:florin:acr:pwd, or with a second factor urn:florin:acr:mfa. The
  // scopes are those of the user's roles at most; what no user may have is refused before the
  // password is looked at, what this one may not have only after it was right. Errors:
  // kInvalidScope, kInvalidField (both codes), kInvalidCredentials, kSecondFactorRequired (the
  // password was right; metadata `factors` names what will do), kOverloaded, kUnavailable.
  Task<absl::StatusOr<AccessToken>> Run(LoginRequest request);

 private:
  // How the user proved who they are.
  struct Proof {
    std::string acr;
    std::vector<std::string> amr;
  };
  Task<absl::StatusOr<Proof>> ProveMore(VerifiedUser user, LoginRequest request);
  std::string Sign(const Uuid& user_id, const std::string& scope, const Proof& proof);

  Authenticators& authenticators_;
  RoleStore& roles_;
  const SigningKeys& keys_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
