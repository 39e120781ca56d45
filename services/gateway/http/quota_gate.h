// Whose quotas a request takes from, and what it costs.
//
//   network   the client's network (limits/network.h): every request, whoever it is
//   user      the user of a verified token
//   client    the OAuth client that the token was issued to
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "services/gateway/limits/gcra.h"
#include "services/gateway/limits/rate_limiter.h"
#include "services/gateway/limits/shedding.h"
#include "services/gateway/transcode/rate_class.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

struct Quotas {
  Quota network = {6000, absl::Minutes(1)};
  Quota user = {1200, absl::Minutes(1)};
  Quota client = {12000, absl::Minutes(1)};
};

// When a request is shed. `is_retry`: the client says so (Florin-Retry-Attempt). It is believed,
// since it gains little by a lie: the part of the gateway that is kept for reads and retries,
// within its quotas.
Priority PriorityOf(const Route* route, bool is_retry);

// Whether the value of Florin-Retry-Attempt says that this is a retry: a number from 1 to 99.
bool IsRetryAttempt(std::string_view value);

// Belongs to one thread.
class QuotaGate {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  QuotaGate(std::unique_ptr<RateLimiter> limiter, const Quotas& quotas)
      : limiter_(std::move(limiter)), quotas_(quotas) {}

  // Refuses whose network is known to have too little left, before anything is done for it. Takes
  // nothing. Error: kRateLimited, with metadata `retry_after_seconds` and `policy`; `fields` then
  // has RateLimit and RateLimit-Policy.
  absl::Status Precheck(const std::string& network, std::int64_t cost, Fields& fields);

  // Takes `cost` units from every bucket of the request, or from none. `principal` is nothing where
  // there is no verified token. The same error; `fields` is set in both cases.
  Task<absl::Status> Take(std::string network, const rpc::Principal* principal, std::int64_t cost,
                          Fields& fields);

 private:
  std::vector<Bucket> BucketsOf(const std::string& network, const rpc::Principal* principal) const;

  const std::unique_ptr<RateLimiter> limiter_;
  const Quotas quotas_;
};

}  // namespace florin::gateway
