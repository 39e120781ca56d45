// Times as PostgreSQL keeps them, in whole microseconds. Pure.
#pragma once

#include "absl/time/time.h"

namespace florin {

// `time` without what the database would lose of it: what is written and what is read back are then
// equal, and a replay says the same as the first answer.
inline absl::Time InMicroseconds(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

}  // namespace florin
