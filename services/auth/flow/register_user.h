// Registration, once for each idempotency key.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/user.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/password_rules.h"
#include "services/auth/store/store.h"

namespace florin::auth {

// A decision and whether it was first given to an earlier call.
struct Registering {
  absl::StatusOr<User> user;
  bool replayed = false;
};

// Thread-safe. The arguments of the constructor outlive it.
class RegisterUser {
 public:
  RegisterUser(Store& store, PasswordHasher& hasher, Clock& clock, IdSource& ids,
               const PasswordRules& rules)
      : store_(store), hasher_(hasher), clock_(clock), ids_(ids), rules_(rules) {}

  // The fingerprint of the request under a key covers the e-mail. That the password is the same is
  // not seen from a digest, which would be quicker to guess against than Argon2id: it is compared
  // with the user's hash.
  //
  // Errors: kInvalidEmail, kWeakPassword (leave no trace); kEmailTaken (remembered under the key);
  // kIdempotencyKeyReused; kOverloaded; kUnavailable.
  // Decisions are in the audit trail as auth.user.register.
  Task<Registering> Run(std::string idempotency_key, std::string email, std::string password,
                        audit::Origin origin = {});

 private:
  Task<Registering> Decide(std::string idempotency_key, std::string email, std::string password,
                           audit::Origin origin);
  Task<Registering> Answer(Registered registered, crypto::Digest fingerprint, std::string password);

  Store& store_;
  PasswordHasher& hasher_;
  Clock& clock_;
  IdSource& ids_;
  const PasswordRules& rules_;
};

}  // namespace florin::auth
