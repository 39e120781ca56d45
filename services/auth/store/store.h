// What auth keeps: users and the registrations that made them.
#pragma once

#include <optional>
#include <string>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/user.h"

namespace florin::auth {

// A wish for a user, under the key of its request.
struct Registration {
  std::string idempotency_key;
  crypto::Digest fingerprint;  // Of the request; see flow/register_user.h.
  User user;
  // What the audit trail gets in the same transaction, when this decides; a refusal of it if the
  // e-mail is taken.
  audit::Event event;
};

// What became of the first registration under a key.
struct Registered {
  crypto::Digest fingerprint;
  std::optional<User> user;  // Nothing: refused, since the e-mail was taken.
  bool created = false;      // By this very call.
};

// Thread-safe. Errors of all methods: kUnavailable, kInternal.
class Store {
 public:
  virtual ~Store() = default;

  // Decides a registration, once for each key: the first call under a key makes the user, or
  // records that the e-mail was taken; every later one gives what the first did. Of concurrent
  // registrations of one e-mail exactly one makes a user. Idempotent.
  virtual Task<absl::StatusOr<Registered>> Register(Registration registration) = 0;

  // What Register() decided under the key, if it did.
  virtual Task<absl::StatusOr<std::optional<Registered>>> FindRegistration(
      std::string idempotency_key) = 0;

  // By normalized address.
  virtual Task<absl::StatusOr<std::optional<User>>> FindUserByEmail(std::string email) = 0;

  // Replaces a user's hash if it still is `current`, so that a change of the password in between is
  // not undone. Gives whether it did.
  virtual Task<absl::StatusOr<bool>> ReplacePasswordHash(Uuid user_id, std::string current,
                                                         std::string replacement) = 0;
};

}  // namespace florin::auth
