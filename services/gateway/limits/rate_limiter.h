// Whether a request is within the quotas of who sent it.
#pragma once

#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/gateway/limits/gcra.h"
#include "services/gateway/limits/quota_table.h"

namespace florin::gateway {

// Belongs to one thread.
class RateLimiter {
 public:
  virtual ~RateLimiter() = default;
  // Takes `cost` units from every bucket, or from none if one has too few. Never fails: where the
  // shared state cannot be reached in time, the process's own decides.
  virtual Task<Outcome> Take(std::vector<Bucket> buckets, std::int64_t cost) = 0;
  // What is known here without asking anybody: lets a caller refuse early who is known to have
  // nothing left. Takes nothing.
  virtual Outcome Peek(const std::vector<Bucket>& buckets, std::int64_t cost) = 0;
};

// Counts in this process alone. The references outlive it; the table is shared by all threads.
class LocalRateLimiter : public RateLimiter {
 public:
  LocalRateLimiter(QuotaTable& table, Clock& clock) : table_(table), clock_(clock) {}
  Task<Outcome> Take(std::vector<Bucket> buckets, std::int64_t cost) override {
    co_return table_.Take(buckets, cost, clock_.Now());
  }
  Outcome Peek(const std::vector<Bucket>& buckets, std::int64_t cost) override {
    return table_.Peek(buckets, cost, clock_.Now());
  }

 private:
  QuotaTable& table_;
  Clock& clock_;
};

}  // namespace florin::gateway
