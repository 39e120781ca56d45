#include "services/gateway/limits/redis_rate_limiter.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::gateway {
namespace {

// Take of gcra.h, in Lua: arguments are the cost, and the interval in microseconds and the units of
// every bucket. Answers whether all admit, and the debt of each in microseconds: the rest follows
// from those. Numbers of Lua are doubles, exact to 2^53: microseconds until the year 2255.
constexpr char kScript[] = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local before, after, admitted = {}, {}, 1
for i, key in ipairs(KEYS) do
  local interval, units = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local capacity = interval * units
  local debt = (tonumber(redis.call('GET', key) or 0)) - now
  debt = math.max(0, math.min(debt, capacity))
  before[i] = debt
  after[i] = debt + interval * math.min(cost, units)
  if after[i] > capacity then admitted = 0 end
end
if admitted == 1 then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', now + after[i]), 'PX', math.ceil(after[i] / 1000))
  end
end
return {admitted, before}
)";

// Threads that count alone.
std::atomic<int> fallen_threads = 0;

// The debts before the request, as Redis had them; nothing if it answered something else.
std::optional<std::vector<Debt>> DebtsIn(const RedisReply& reply, std::size_t count) {
  const auto* answer = std::get_if<std::vector<RedisReply>>(&reply.value);
  if (answer == nullptr || answer->size() != 2) return std::nullopt;
  const auto* list = std::get_if<std::vector<RedisReply>>(&(*answer)[1].value);
  if (list == nullptr || list->size() != count) return std::nullopt;
  std::vector<Debt> debts;
  for (const RedisReply& element : *list) {
    const auto* microseconds = std::get_if<std::int64_t>(&element.value);
    if (microseconds == nullptr) return std::nullopt;
    debts.push_back(absl::Microseconds(*microseconds));
  }
  return debts;
}

bool IsNoScript(const RedisReply& reply) {
  const auto* text = std::get_if<std::string>(&reply.value);
  return reply.is_error && text != nullptr && text->starts_with("NOSCRIPT");
}

}  // namespace

RedisRateLimiter::RedisRateLimiter(Executor executor, RedisEndpoint endpoint,
                                   const RedisOptions& options, QuotaTable& table, Clock& clock)
    : connection_(executor, std::move(endpoint), options), table_(table), clock_(clock) {
  Fall(false);
}

RedisRateLimiter::~RedisRateLimiter() { Fall(false); }

void RedisRateLimiter::Fall(bool fallen) {
  if (fallen != fallen_) {
    fallen_ = fallen;
    fallen_threads += fallen ? 1 : -1;
    telemetry::Log(telemetry::Severity::kWarning,
                   fallen ? "Redis is away: quotas are counted here alone"
                          : "Redis is back: quotas are shared");
  }
  telemetry::SetGauge("florin_gateway_rate_limit_fallback", {}, fallen_threads);
}

Task<absl::StatusOr<RedisReply>> RedisRateLimiter::Evaluate(const std::vector<Bucket>& buckets,
                                                            std::int64_t cost) {
  if (script_hash_.empty()) {
    RedisConnection::Args load = {"SCRIPT", "LOAD", kScript};
    absl::StatusOr<RedisReply> loaded = co_await connection_.Call(std::move(load));
    if (!loaded.ok() || loaded->is_error) co_return loaded;
    if (auto* hash = std::get_if<std::string>(&loaded->value)) script_hash_ = *hash;
  }
  std::vector<std::string> args = {"EVALSHA", script_hash_, absl::StrCat(buckets.size())};
  for (const Bucket& bucket : buckets) args.push_back(absl::StrCat("florin:quota:", bucket.key));
  args.push_back(absl::StrCat(cost));
  for (const Bucket& bucket : buckets) {
    args.push_back(absl::StrCat(absl::ToInt64Microseconds(bucket.quota.Interval())));
    args.push_back(absl::StrCat(bucket.quota.units));
  }
  RedisConnection::Args views(args.begin(), args.end());
  absl::StatusOr<RedisReply> reply = co_await connection_.Call(views);
  if (!reply.ok() || !IsNoScript(*reply)) co_return reply;
  // A Redis that has started anew, or was told to forget: the script goes along once.
  views[0] = "EVAL";
  views[1] = kScript;
  co_return co_await connection_.Call(views);
}

Task<Outcome> RedisRateLimiter::Take(std::vector<Bucket> buckets, std::int64_t cost) {
  const absl::StatusOr<RedisReply> reply = co_await Evaluate(buckets, cost);
  const absl::Time now = clock_.Now();
  std::optional<std::vector<Debt>> debts;
  if (reply.ok()) debts = DebtsIn(*reply, buckets.size());
  if (fallen_ != !debts.has_value()) Fall(!debts.has_value());
  if (!debts) {
    telemetry::Count("florin_gateway_rate_limit_fallback_total");
    co_return table_.Take(buckets, cost, now);
  }
  Outcome outcome = gateway::Take(buckets, cost, *debts);
  table_.Learn(buckets, *debts, now);
  co_return outcome;
}

Outcome RedisRateLimiter::Peek(const std::vector<Bucket>& buckets, std::int64_t cost) {
  return table_.Peek(buckets, cost, clock_.Now());
}

}  // namespace florin::gateway
