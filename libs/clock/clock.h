// Time, injected. Only this library reads the system's clocks; everything else is given a Clock or
// a time (tests/tidy enforces it).
#pragma once

#include <mutex>

#include "absl/time/time.h"

namespace florin {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time (UTC). May jump; never use it to measure durations.
  virtual absl::Time Now() = 0;
};

// The system's wall clock. Lives for ever.
Clock& SystemClock();

// Moves only when told.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time start) : now_(start) {}
  absl::Time Now() override;
  void Advance(absl::Duration by);
  void Set(absl::Time now);

 private:
  std::mutex mutex_;
  absl::Time now_;
};

}  // namespace florin
