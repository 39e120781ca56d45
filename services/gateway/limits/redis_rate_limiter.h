// Quotas shared by several gateways through one Redis (a single server, not a cluster: the buckets
// of a request are taken by one script).
//
// One round trip for each request, with Redis's own time. What Redis says is also kept in the
// process's table, so that a fallback goes on from what was last known, and refusals need no trip.
// Without Redis, or where it is late, the table alone decides: each gateway then gives the whole
// quota. Metrics: the gauge florin_gateway_rate_limit_fallback, how many threads count alone now;
// florin_gateway_rate_limit_fallback_total, requests decided so.
//
// In Redis: string keys `florin:quota:KEY` with the theoretical arrival time in microseconds since
// 1970; each expires when its bucket is whole again.
#pragma once

#include <memory>
#include <vector>

#include "libs/clock/clock.h"
#include "services/gateway/limits/quota_table.h"
#include "services/gateway/limits/rate_limiter.h"
#include "services/gateway/limits/redis_connection.h"

namespace florin::gateway {

// Belongs to the thread that runs `executor`. The references outlive it.
class RedisRateLimiter : public RateLimiter {
 public:
  RedisRateLimiter(Executor executor, RedisEndpoint endpoint, const RedisOptions& options,
                   QuotaTable& table, Clock& clock);
  ~RedisRateLimiter() override;

  Task<Outcome> Take(std::vector<Bucket> buckets, std::int64_t cost) override;
  Outcome Peek(const std::vector<Bucket>& buckets, std::int64_t cost) override;

  // Whether the last request was decided without Redis.
  bool fallen() const { return fallen_; }

 private:
  Task<absl::StatusOr<RedisReply>> Evaluate(const std::vector<Bucket>& buckets, std::int64_t cost);
  void Fall(bool fallen);

  RedisConnection connection_;
  QuotaTable& table_;
  Clock& clock_;
  std::string script_hash_;  // What Redis calls the script; empty before it was asked.
  bool fallen_ = false;
};

}  // namespace florin::gateway
