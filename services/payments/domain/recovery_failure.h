// What recovery could not end although the ledger was there: by whom, how often, and when it is
// tried again. A ledger that cannot be reached is no failure of a payment.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"

namespace florin::payments {

// After so many failures a payment or a step is parked: no worker takes it up until a person says
// so. Some three minutes after the first.
inline constexpr int kMostFailures = 6;

// How long it rests after its `failures`th failure: 3 s, 6 s, 12 s, … Nothing: it is parked.
std::optional<absl::Duration> RestAfter(int failures);

struct RecoveryFailure {
  Uuid payment_id;
  Uuid step_id;  // Nil: the payment itself.
  int failures = 0;
  std::string reason;  // The name of the last one's.
  bool parked = false;
  absl::Time first_time;
  absl::Time last_time;

  friend bool operator==(const RecoveryFailure&, const RecoveryFailure&) = default;
};

}  // namespace florin::payments
