#include "services/payments/flow/recovery.h"

#include <algorithm>
#include <utility>

#include "libs/async/runtime.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 500;
constexpr absl::Duration kPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Seconds(4);

}  // namespace

Task<absl::StatusOr<int>> Recovery::RunOnce() {
  const absl::Time now = NowInMicroseconds(clock_);
  absl::StatusOr<std::vector<Payment>> claimed =
      co_await store_.ClaimUnfinished(now, kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  absl::Duration age;
  for (const Payment& payment : *claimed) age = std::max(age, now - payment.create_time);
  telemetry::SetGauge("florin_payments_unfinished_age_seconds", {}, absl::ToDoubleSeconds(age));
  if (claimed->empty()) co_return 0;

  const int count = static_cast<int>(claimed->size());
  const absl::StatusOr<int> ended = co_await settlement_.SettleAll(*std::move(claimed));
  if (!ended.ok()) co_return ended.status();
  telemetry::Log(telemetry::Severity::kInfo, "recovered payments",
                 {{"claimed", std::to_string(count)}, {"ended", std::to_string(*ended)}});
  co_return count;
}

Task<void> Recovery::Run() {
  absl::Duration pause = kPause;
  while (true) {
    const absl::StatusOr<int> claimed = co_await RunOnce();
    if (claimed.ok()) {
      pause = kPause;
      if (*claimed == kClaimedAtOnce) continue;
    } else {
      telemetry::Log(telemetry::Severity::kWarning, "recovery failed",
                     {{"error", std::string(claimed.status().message())}});
      pause = std::min(pause * 2, kLongestPause);
    }
    co_await async::Sleep(pause);
  }
}

}  // namespace florin::payments
