#include "libs/clock/clock.h"

#include "absl/time/clock.h"

namespace florin {
namespace {

class System : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

}  // namespace

Clock& SystemClock() {
  static System clock;
  return clock;
}

absl::Time FakeClock::Now() {
  std::lock_guard lock(mutex_);
  return now_;
}

void FakeClock::Advance(absl::Duration by) {
  std::lock_guard lock(mutex_);
  now_ += by;
}

void FakeClock::Set(absl::Time now) {
  std::lock_guard lock(mutex_);
  now_ = now;
}

}  // namespace florin
