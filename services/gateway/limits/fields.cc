#include "services/gateway/limits/fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

std::int64_t CeilSeconds(absl::Duration duration) {
  return absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
}

// Whether bucket `a` binds before `b`: it refuses for longer, or less of it is left.
bool BindsBefore(const std::vector<Bucket>& buckets, const Outcome& outcome, std::size_t a,
                 std::size_t b) {
  const Verdict& first = outcome.verdicts[a];
  const Verdict& second = outcome.verdicts[b];
  if (first.retry_after != second.retry_after) return first.retry_after > second.retry_after;
  return static_cast<double>(first.remaining) / static_cast<double>(buckets[a].quota.units) <
         static_cast<double>(second.remaining) / static_cast<double>(buckets[b].quota.units);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> RateLimitFields(const std::vector<Bucket>& buckets,
                                                                 const Outcome& outcome) {
  if (buckets.empty()) return {};
  std::string policies;
  std::size_t tightest = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    absl::StrAppend(&policies, i == 0 ? "\"" : ", \"", buckets[i].policy,
                    "\";q=", buckets[i].quota.units,
                    ";w=", absl::ToInt64Seconds(buckets[i].quota.window));
    if (BindsBefore(buckets, outcome, i, tightest)) tightest = i;
  }
  const Verdict& verdict = outcome.verdicts[tightest];
  return {{"RateLimit-Policy", policies},
          {"RateLimit", absl::StrCat("\"", buckets[tightest].policy, "\";r=", verdict.remaining,
                                     ";t=", CeilSeconds(verdict.until_full))}};
}

std::int64_t WholeSeconds(absl::Duration duration) {
  return std::max<std::int64_t>(1, CeilSeconds(duration));
}

}  // namespace florin::gateway
