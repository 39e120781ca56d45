// How far a sandbox's clock is ahead, kept over restarts.
#pragma once

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::payments {

// Thread-safe. Idempotent, so that it may be repeated after kUnavailable. Errors: kUnavailable (the
// outcome is then unknown), kInternal.
class ClockStore {
 public:
  virtual ~ClockStore() = default;

  // Keeps `ahead` if it is more than what is kept, and gives what is kept afterwards: with zero
  // only reads. In whole microseconds.
  virtual Task<absl::StatusOr<absl::Duration>> GoAhead(absl::Duration ahead) = 0;
};

}  // namespace florin::payments
