#include "services/gateway/limits/gcra.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::gateway {
namespace {

absl::Status NoQuota(std::string_view text) {
  return Error(Reason::kInternal, absl::StrCat(std::string(text),
                                               " is no quota like 1200/60s: 1 to 10^9 units in 1 s "
                                               "to 24 h, at most one each microsecond"));
}

struct Step {
  Verdict verdict;
  Debt debt;  // Afterwards.
};

Step TryOne(const Quota& quota, std::int64_t cost, Debt debt) {
  const absl::Duration interval = quota.Interval();
  const absl::Duration capacity = interval * quota.units;
  debt = std::clamp(debt, absl::ZeroDuration(), capacity);
  Step step;
  step.debt = debt + interval * std::min(cost, quota.units);
  step.verdict.admitted = step.debt <= capacity;
  if (!step.verdict.admitted) {
    step.verdict.retry_after = step.debt - capacity;
    step.debt = debt;
  }
  return step;
}

void Describe(const Quota& quota, Debt debt, Verdict& verdict) {
  const absl::Duration interval = quota.Interval();
  absl::Duration rest;
  verdict.remaining = absl::IDivDuration(interval * quota.units - debt, interval, &rest);
  verdict.until_full = debt;
}

}  // namespace

absl::Duration Quota::Interval() const {
  return absl::Microseconds(absl::ToInt64Microseconds(window) / units);
}

absl::StatusOr<Quota> ParseQuota(std::string_view text) {
  const std::size_t slash = text.find('/');
  Quota quota;
  if (slash == std::string_view::npos ||
      !absl::SimpleAtoi(absl::string_view(text.data(), slash), &quota.units) ||
      !absl::ParseDuration(absl::string_view(text.data() + slash + 1, text.size() - slash - 1),
                           &quota.window)) {
    return NoQuota(text);
  }
  if (quota.units < 1 || quota.units > 1'000'000'000 || quota.window < absl::Seconds(1) ||
      quota.window > absl::Hours(24) || quota.Interval() < absl::Microseconds(1)) {
    return NoQuota(text);
  }
  return quota;
}

absl::Duration Outcome::RetryAfter() const {
  absl::Duration longest;
  for (const Verdict& verdict : verdicts) longest = std::max(longest, verdict.retry_after);
  return longest;
}

Outcome Take(const std::vector<Bucket>& buckets, std::int64_t cost, std::vector<Debt>& debts) {
  FLORIN_CHECK(buckets.size() == debts.size(), "every bucket has a state");
  Outcome outcome;
  std::vector<Debt> after;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    Step step = TryOne(buckets[i].quota, cost, debts[i]);
    outcome.admitted = outcome.admitted && step.verdict.admitted;
    outcome.verdicts.push_back(step.verdict);
    after.push_back(step.debt);
  }
  if (outcome.admitted) debts = after;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const Quota& quota = buckets[i].quota;
    debts[i] = std::clamp(debts[i], absl::ZeroDuration(), quota.Interval() * quota.units);
    Describe(quota, debts[i], outcome.verdicts[i]);
  }
  return outcome;
}

}  // namespace florin::gateway
