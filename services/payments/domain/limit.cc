#include "services/payments/domain/limit.h"

#include <algorithm>
#include <string>

namespace florin::payments {
namespace {

absl::Status Invalid(const char* param, const char* what) {
  return Error(Reason::kInvalidLimit, what, {.param = param});
}

std::int64_t UnitsOf(const Limit& limit, const LimitedPayment& payment) {
  return limit.measure == LimitMeasure::kCount ? 1 : payment.debited.minor_units;
}

bool IsAbout(const Limit& limit, const LimitedPayment& payment) {
  if (limit.currency != payment.debited.currency) return false;
  if (!limit.subject) return true;
  return *limit.subject ==
         (limit.scope == LimitScope::kAccount ? payment.source_account_id : payment.user_id);
}

absl::Status Exceeded(const Limit& limit) {
  return Error(Reason::kLimitExceeded, "the payment alone passes the limit",
               {.metadata = {{"limit", FormatId(IdKind::kLimit, limit.limit_id)},
                             {"remaining", std::to_string(limit.maximum)}}});
}

}  // namespace

absl::Status CheckLimit(const Limit& limit) {
  if (limit.maximum < 0) return Invalid("maximum", "zero or more");
  if (!limit.window) {
    if (limit.measure == LimitMeasure::kAmount) return absl::OkStatus();
    return Invalid("window_seconds", "payments are counted over a time");
  }
  if (*limit.window < kShortestWindow || *limit.window > kLongestWindow ||
      *limit.window != absl::Trunc(*limit.window, absl::Seconds(1))) {
    return Invalid("window_seconds", "whole seconds, one minute to 366 days");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LimitUse>> UsesOf(std::span<const Limit> limits,
                                             const LimitedPayment& payment) {
  const Limit* passed = nullptr;
  std::vector<LimitUse> uses;
  for (const Limit& limit : limits) {
    if (!IsAbout(limit, payment)) continue;
    const std::int64_t units = UnitsOf(limit, payment);
    if (units > limit.maximum && (passed == nullptr || limit.maximum < passed->maximum)) {
      passed = &limit;
    }
    if (!limit.window) continue;
    uses.push_back({.limit_id = limit.limit_id,
                    .control_account_id = ControlAccountOf(limit, payment),
                    .units = units,
                    .window = *limit.window});
  }
  if (passed != nullptr) return Exceeded(*passed);
  std::ranges::stable_sort(uses, {}, &LimitUse::window);
  return uses;
}

Uuid ControlAccountOf(const Limit& limit, const LimitedPayment& payment) {
  std::string bucket = FormatId(IdKind::kLimit, limit.limit_id) + " ";
  switch (limit.scope) {
    case LimitScope::kUser:
      bucket += FormatId(IdKind::kUser, payment.user_id);
      break;
    case LimitScope::kAccount:
      bucket += FormatId(IdKind::kAccount, payment.source_account_id);
      break;
    case LimitScope::kPayee:
      bucket += FormatId(IdKind::kUser, payment.user_id) + " " +
                FormatId(IdKind::kAccount, payment.destination_account_id);
      break;
  }
  return DeriveId("florin.payments.limit", bucket);
}

std::vector<LimitHold> HoldsOf(const Uuid& payment_id, std::span<const LimitUse> uses) {
  std::vector<LimitHold> holds;
  for (const LimitUse& use : uses) {
    if (holds.empty() || holds.back().window != use.window) {
      const std::string name = FormatId(IdKind::kPayment, payment_id) + " " +
                               std::to_string(absl::ToInt64Seconds(use.window));
      holds.push_back(
          {.transaction_id = DeriveId("florin.payments.limit_hold", name), .window = use.window});
    }
    holds.back().uses.push_back(use);
  }
  return holds;
}

}  // namespace florin::payments
