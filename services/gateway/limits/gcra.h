// Rate limits by the generic cell rate algorithm (GCRA; ITU-T I.371, in the virtual scheduling
// form): a leaky bucket whose whole state is one time. Pure.
//
// A quota of `units` in `window` gives `units` at once to whoever has rested, and after that one
// more every `window / units`: no window begins or ends, so nobody gets twice the quota around its
// edge. The state is the theoretical arrival time: when the bucket is whole again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"

namespace florin::gateway {

struct Quota {
  std::int64_t units;
  absl::Duration window;

  // How long one unit takes to come back, in whole microseconds.
  absl::Duration Interval() const;
  friend bool operator==(const Quota&, const Quota&) = default;
};

// "1200/60s": 1200 units in a minute. 1 to 1'000'000'000 units, 1 s to 24 h, and no more than one
// unit each microsecond. Error: kInternal: a quota is configuration.
absl::StatusOr<Quota> ParseQuota(std::string_view text);

// Whose quota, and which.
struct Bucket {
  std::string policy;  // "network", "user" or "client": the name in the RateLimit fields.
  std::string key;     // Unlike for any two whose quotas are counted apart: "n:192.0.2.0/24".
  Quota quota;
};

// What is said of one bucket.
struct Verdict {
  bool admitted = true;        // By this bucket.
  std::int64_t remaining = 0;  // Units left: after the request, if all its buckets admitted it.
  absl::Duration until_full;   // Until all units are there again.
  absl::Duration retry_after;  // Until this bucket admits the request. Zero if it does.
};

// What is said of a request: the verdicts of its buckets, in their order.
struct Outcome {
  bool admitted = true;  // By all of them.
  std::vector<Verdict> verdicts;
  // Until every bucket admits the request.
  absl::Duration RetryAfter() const;
};

// A bucket's state at a moment: how far its theoretical arrival time lies ahead; zero if nothing is
// used. Relative, so that clocks of two machines can differ.
using Debt = absl::Duration;

// Takes `cost` units from every bucket, or from none if one of them has too few: `debts`, one for
// each bucket, change only in the first case. A cost above a quota counts as the quota, or it could
// never be admitted. A debt beyond the window (a clock that was set back) counts as the window.
Outcome Take(const std::vector<Bucket>& buckets, std::int64_t cost, std::vector<Debt>& debts);

}  // namespace florin::gateway
