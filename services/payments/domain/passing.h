// Which errors are about the moment: the one place where that is said.
#pragma once

#include "libs/status/status.h"

namespace florin::payments {

// Whether the outcome is not known and the same may be asked again, as it was: somebody could not
// be reached, did not answer in time, or had too much to do.
inline bool MayPass(Reason reason) {
  return reason == Reason::kUnavailable || reason == Reason::kDeadlineExceeded ||
         reason == Reason::kOverloaded;
}
// OK is no error, and does not pass.
inline bool MayPass(const absl::Status& status) {
  return !status.ok() && MayPass(ReasonOf(status).value_or(Reason::kInternal));
}

// Whether an error decides nothing about an order that a worker carries out: it may pass, or is
// ours. The order stays as it is, and is taken up again.
inline bool DecidesNothing(const absl::Status& status) {
  return MayPass(status) || ReasonOf(status) == Reason::kInternal;
}

}  // namespace florin::payments
