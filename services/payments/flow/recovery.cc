#include "services/payments/flow/recovery.h"

#include <algorithm>
#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/passing.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 500;

// Until a payment whose approval is not given yet is looked at again.
constexpr absl::Duration kNextLook = absl::Seconds(30);

}  // namespace

Task<absl::StatusOr<int>> Recovery::RunOnce() {
  int claimed = 0;
  for (const bool settling : {true, false}) {
    int some = kClaimedAtOnce;
    while (some == kClaimedAtOnce) {
      absl::StatusOr<int> more = 0;
      if (settling) {
        more = co_await SettleSome();
      } else {
        more = co_await ResumeSome();
      }
      if (!more.ok()) {
        telemetry::Log(telemetry::Severity::kWarning, "recovery failed",
                       {{"error", std::string(more.status().message())}});
        co_return more.status();
      }
      some = *more;
      claimed += some;
    }
  }
  co_return claimed;
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
  absl::StatusOr<Settlement::Settled> settled = co_await settlement_.SettleAll(*std::move(claimed));
  if (!settled.ok()) co_return settled.status();
  telemetry::Log(telemetry::Severity::kInfo, "recovered payments",
                 {{"claimed", std::to_string(count)}, {"ended", std::to_string(settled->ended)}});
  std::vector<VainAttempt> vain;
  for (auto& [payment, reason] : settled->undecided) {
    vain.push_back({.payment = std::move(payment), .step = {}, .reason = std::move(reason)});
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await vain_.Record(std::move(vain)));
  co_return count;
}

Task<absl::StatusOr<int>> Recovery::ResumeSome() {
  absl::StatusOr<std::vector<Payment>> claimed =
      co_await approval_store_.ClaimAwaiting(NowInMicroseconds(clock_), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  const int count = static_cast<int>(claimed->size());
  int resumed = 0;
  for (Payment& payment : *claimed) {
    // One that cannot be resumed now keeps no other from it, and is claimed again.
    const Uuid user_id = payment.user_id;
    const Uuid payment_id = payment.payment_id;
    const absl::Time expiry =
        std::max(payment.approval->expire_time, NowInMicroseconds(clock_) + kLease);
    const absl::StatusOr<Payment> result = co_await confirm_.Resume(std::move(payment));
    resumed += result.ok();
    // Its approval may be redeemed: the claim lasts no longer than a lease.
    if (result.ok() || MayPass(result.status())) continue;
    const absl::Time later = std::min(NowInMicroseconds(clock_) + kNextLook, expiry) - kLease;
    const absl::StatusOr<Payment> held =
        co_await approval_store_.BeginConfirm(user_id, payment_id, later);
    if (!held.ok()) co_return held.status();
  }
  if (count > 0) {
    telemetry::Log(telemetry::Severity::kInfo, "looked after payments that require action",
                   {{"claimed", std::to_string(count)}, {"ended", std::to_string(resumed)}});
  }
  co_return count;
}

}  // namespace florin::payments
