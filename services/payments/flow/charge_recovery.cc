#include "services/payments/flow/charge_recovery.h"

#include <string>
#include <utility>

#include "libs/telemetry/log.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 100;

void LogFailure(const absl::Status& status) {
  telemetry::Log(telemetry::Severity::kWarning, "recovery of steps failed",
                 {{"error", std::string(status.message())}});
}

}  // namespace

Task<absl::StatusOr<int>> ChargeRecovery::RunOnce() {
  int claimed = 0;
  for (const bool finishing : {true, false}) {
    int some = kClaimedAtOnce;
    while (some == kClaimedAtOnce) {
      absl::StatusOr<int> more = 0;
      if (finishing) {
        more = co_await FinishSome();
      } else {
        more = co_await ExpireSome();
      }
      if (!more.ok()) {
        LogFailure(more.status());
        co_return more.status();
      }
      some = *more;
      claimed += some;
    }
  }
  const absl::StatusOr<int> overdue = co_await store_.EndResponseTimes(NowInMicroseconds(clock_));
  if (!overdue.ok()) {
    LogFailure(overdue.status());
    co_return overdue.status();
  }
  co_return claimed;
}

Task<absl::StatusOr<int>> ChargeRecovery::FinishSome() {
  absl::StatusOr<std::vector<StoredStep>> claimed =
      co_await store_.ClaimSteps(NowInMicroseconds(clock_), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  const int count = static_cast<int>(claimed->size());
  int finished = 0;
  std::vector<VainAttempt> vain;
  for (StoredStep& stored : *claimed) {
    VainAttempt attempt{.payment = stored.charge.payment, .step = stored.step, .reason = {}};
    const absl::StatusOr<StoredStep> result = co_await steps_.Finish(std::move(stored));
    finished += result.ok();
    if (ReasonOf(result.status()) != Reason::kInternal) continue;
    attempt.reason = InfoOf(Reason::kInternal).name;
    vain.push_back(std::move(attempt));
  }
  if (count > 0) {
    telemetry::Log(telemetry::Severity::kInfo, "recovered steps",
                   {{"claimed", std::to_string(count)}, {"ended", std::to_string(finished)}});
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await vain_.Record(std::move(vain)));
  co_return count;
}

Task<absl::StatusOr<int>> ChargeRecovery::ExpireSome() {
  const absl::StatusOr<std::vector<Payment>> claimed =
      co_await store_.ClaimExpired(NowInMicroseconds(clock_), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  int ended = 0;
  for (const Payment& payment : *claimed) {
    const absl::Status expired = co_await steps_.Expire(payment);
    ended += expired.ok();
  }
  if (!claimed->empty()) {
    telemetry::Log(
        telemetry::Severity::kInfo, "authorizations are over",
        {{"claimed", std::to_string(claimed->size())}, {"ended", std::to_string(ended)}});
  }
  co_return static_cast<int>(claimed->size());
}

}  // namespace florin::payments
