// Deletes what OAuth has no more use for. Only tidies up: what has expired is refused, deleted or
// not. May run in several processes.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/status/status.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

class OAuthCleanup {
 public:
  // Not owned; outlive it. `batch` is how many rows of a kind one transaction deletes at most.
  OAuthCleanup(OAuthStore& store, Clock& clock, int batch = 500)
      : store_(store), clock_(clock), batch_(batch) {}

  // One round, for async::Worker: goes on until nothing is left to delete. Errors: those of the
  // store; the next round begins anew.
  Task<absl::Status> RunOnce();

 private:
  OAuthStore& store_;
  Clock& clock_;
  const int batch_;
};

}  // namespace florin::auth
