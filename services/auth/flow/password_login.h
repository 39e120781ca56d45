// From e-mail and password to an access token.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/recorder.h"
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
                IdSource& ids, audit::Recorder& recorder)
      : store_(store), hasher_(hasher), keys_(keys), clock_(clock), ids_(ids), audit_(recorder) {}

  // An unknown e-mail and a wrong password give the same error after the same work. A hash whose
  // parameters are not those of today is replaced when its password is at hand. Errors:
  // kInvalidScope, kInvalidCredentials, kOverloaded, kUnavailable.
  //
  // Whoever is let in or refused is in the audit trail as auth.session.begin, before they hear of
  // it; what failed inside or was asked for wrongly is not.
  Task<absl::StatusOr<AccessToken>> Run(std::string email, std::string password, std::string scope,
                                        audit::Origin origin = {});

 private:
  // `user` becomes whom the e-mail names, if anybody.
  Task<absl::Status> Decide(std::string email, std::string password, std::optional<User>* user);
  Task<absl::Status> Record(std::optional<Uuid> user_id, absl::Status decided,
                            audit::Origin origin);
  Task<absl::StatusOr<std::optional<User>>> Find(std::string email);
  Task<void> Rehash(User user, std::string password);
  std::string Sign(const User& user, const std::string& scope);

  Store& store_;
  PasswordHasher& hasher_;
  const SigningKeys& keys_;
  Clock& clock_;
  IdSource& ids_;
  audit::Recorder& audit_;
};

}  // namespace florin::auth
