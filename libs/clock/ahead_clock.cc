#include "libs/clock/ahead_clock.h"

namespace florin {

void AheadClock::GoAhead(absl::Duration ahead) {
  const std::int64_t micros = absl::ToInt64Microseconds(ahead);
  std::int64_t now = ahead_micros_.load();
  while (micros > now && !ahead_micros_.compare_exchange_weak(now, micros)) {
  }
}

}  // namespace florin
