// A sandbox's clock: ahead of another one, so that what takes days there can be tried in seconds.
#pragma once

#include <atomic>
#include <cstdint>

#include "libs/clock/clock.h"

namespace florin {

// As far ahead of `base` as it was told, and never less than before: it only goes forward, whatever
// is told how often and in which order. Exact in microseconds. Thread-safe.
class AheadClock : public Clock {
 public:
  // `base` outlives this.
  explicit AheadClock(Clock& base) : base_(base) {}

  absl::Time Now() override { return base_.Now() + ahead(); }
  // The time without being ahead.
  absl::Time BaseNow() { return base_.Now(); }
  absl::Duration ahead() const { return absl::Microseconds(ahead_micros_.load()); }
  // At least so far ahead from now on.
  void GoAhead(absl::Duration ahead);

 private:
  Clock& base_;
  std::atomic<std::int64_t> ahead_micros_ = 0;
};

}  // namespace florin
