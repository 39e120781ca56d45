#include "services/payments/flow/recovery.h"

#include <algorithm>
#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 500;

}  // namespace

Task<absl::StatusOr<int>> Recovery::RunOnce() {
  int claimed = 0;
  while (true) {
    const absl::StatusOr<int> some = co_await SettleSome();
    if (!some.ok()) {
      telemetry::Log(telemetry::Severity::kWarning, "recovery failed",
                     {{"error", std::string(some.status().message())}});
      co_return some.status();
    }
    claimed += *some;
    if (*some < kClaimedAtOnce) co_return claimed;
  }
}

Task<absl::StatusOr<int>> Recovery::SettleSome() {
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

}  // namespace florin::payments
