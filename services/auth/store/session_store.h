// What auth keeps of sessions.
//
// A secret of a cookie is known here by its SHA-256 alone: it has 128 bits or more of randomness,
// so nothing slower is needed.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/session.h"

namespace florin::auth {

// Thread-safe. Errors of all methods: kUnavailable, kInternal. Which sessions still count is
// StateOf()'s matter (domain/session.h), not the store's: it gives expired ones as well, as long as
// it has them.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Keeps a new session under its secret. Forgets those of the same user that began before
  // `forget_before`. Idempotent by the session's id. `event` goes into the audit trail in the same
  // transaction.
  virtual Task<absl::StatusOr<bool>> Insert(Session session, crypto::Digest secret,
                                            absl::Time forget_before, audit::Event event) = 0;

  virtual Task<absl::StatusOr<std::optional<Session>>> Find(crypto::Digest secret) = 0;

  // Replaces what a session knows of its authentication (all but its ids and create_time), and its
  // secret: from now on only `replacement` finds it. Gives whether `current` was still its secret;
  // of concurrent renewals one wins.
  virtual Task<absl::StatusOr<bool>> Renew(crypto::Digest current, crypto::Digest replacement,
                                           Session session) = 0;

  // Moves active_time forward, never back. Gives whether there was such a session.
  virtual Task<absl::StatusOr<bool>> Touch(crypto::Digest secret, absl::Time now) = 0;

  // Of one user, the one that was active last first.
  virtual Task<absl::StatusOr<std::vector<Session>>> List(Uuid user_id) = 0;

  // Forgets one session of this user. Gives whether there was one. Idempotent. If there was one,
  // `event` goes into the audit trail in the same transaction.
  virtual Task<absl::StatusOr<bool>> End(Uuid user_id, Uuid session_id, audit::Event event) = 0;
  // The same with all sessions of this user but one (none but all, if nothing is given). Gives how
  // many.
  virtual Task<absl::StatusOr<int>> EndOthers(Uuid user_id, std::optional<Uuid> but,
                                              audit::Event event) = 0;
};

}  // namespace florin::auth
