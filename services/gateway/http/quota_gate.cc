#include "services/gateway/http/quota_gate.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/telemetry/metrics.h"
#include "services/gateway/limits/fields.h"

namespace florin::gateway {
namespace {

using options::v1::MethodPolicy;

absl::Status Refusal(const std::vector<Bucket>& buckets, const Outcome& outcome) {
  std::string policy;
  for (std::size_t i = 0; i < buckets.size() && policy.empty(); ++i) {
    if (outcome.verdicts[i].retry_after == outcome.RetryAfter()) policy = buckets[i].policy;
  }
  telemetry::Count("florin_gateway_rate_limited_total", {{"policy", policy}});
  return Error(
      Reason::kRateLimited, absl::StrCat("the quota of the ", policy, " is used up"),
      {.metadata = {{"policy", policy},
                    {"retry_after_seconds", absl::StrCat(WholeSeconds(outcome.RetryAfter()))}}});
}

}  // namespace

Priority PriorityOf(const Route* route, bool is_retry) {
  const MethodPolicy::RateClass rate_class = RateClassOf(route);
  // A retry of a login asks for no outcome: it is another login.
  if (rate_class == MethodPolicy::CREDENTIAL) return Priority::kCredential;
  return is_retry || rate_class == MethodPolicy::READ ? Priority::kRead : Priority::kWrite;
}

bool IsRetryAttempt(std::string_view value) {
  return !value.empty() && value.size() <= 2 && value[0] != '0' &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

std::vector<Bucket> QuotaGate::BucketsOf(const std::string& network,
                                         const rpc::Principal* principal) const {
  std::vector<Bucket> buckets = {{"network", absl::StrCat("n:", network), quotas_.network}};
  if (principal == nullptr) return buckets;
  buckets.push_back({"user", absl::StrCat("u:", principal->user_id), quotas_.user});
  if (!principal->client_id.empty())
    buckets.push_back({"client", absl::StrCat("c:", principal->client_id), quotas_.client});
  return buckets;
}

absl::Status QuotaGate::Precheck(const std::string& network, std::int64_t cost, Fields& fields) {
  const std::vector<Bucket> buckets = BucketsOf(network, nullptr);
  const Outcome outcome = limiter_->Peek(buckets, cost);
  if (outcome.admitted) return absl::OkStatus();
  fields = RateLimitFields(buckets, outcome);
  return Refusal(buckets, outcome);
}

Task<absl::Status> QuotaGate::Take(std::string network, const rpc::Principal* principal,
                                   std::int64_t cost, Fields& fields) {
  const std::vector<Bucket> buckets = BucketsOf(network, principal);
  const Outcome outcome = co_await limiter_->Take(buckets, cost);
  fields = RateLimitFields(buckets, outcome);
  if (outcome.admitted) co_return absl::OkStatus();
  co_return Refusal(buckets, outcome);
}

}  // namespace florin::gateway
