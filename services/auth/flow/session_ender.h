// What ends a user's sessions when their password or their factors change.
#pragma once

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::auth {

// Thread-safe.
class SessionEnder {
 public:
  virtual ~SessionEnder() = default;
  // Ends every session of the user, and what was issued in them. `origin`: of the request that is
  // why, for the audit trail. Idempotent: the caller repeats it after an error. Errors:
  // kUnavailable, kInternal.
  virtual Task<absl::Status> EndSessionsOf(Uuid user_id, audit::Origin origin) = 0;
};

// For a deployment without sessions.
class NoSessions : public SessionEnder {
 public:
  Task<absl::Status> EndSessionsOf(Uuid, audit::Origin) override { co_return absl::OkStatus(); }
};

}  // namespace florin::auth
