// Against a real Redis, which is killed, paused and started again.
#include "services/gateway/limits/redis_rate_limiter.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/telemetry/metrics.h"
#include "services/gateway/limits/test_redis.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;

const Quota kQuota{100, absl::Hours(10)};  // Nothing comes back while a test runs.

// One gateway's thread: a limiter and its own table.
class Gateway {
 public:
  explicit Gateway(const std::string& address, absl::Duration budget = absl::Seconds(20))
      : options_{.budget = budget, .retry_interval = absl::Milliseconds(1)},
        connection_(runtime_.executor(), *ParseRedisAddress(address), options_),
        limiter_(std::make_unique<RedisRateLimiter>(
            runtime_.executor(), *ParseRedisAddress(address), options_, table_, SystemClock())) {}
  ~Gateway() { runtime_.Stop(); }

  Outcome Take(const std::vector<Bucket>& buckets, std::int64_t cost = 1) {
    return runtime_.Run(limiter_->Take(buckets, cost));
  }
  bool TakeUser(const std::string& user, std::int64_t cost = 1) {
    return Take({{"user", user, kQuota}}, cost).admitted;
  }
  Outcome Peek(const std::string& user) { return limiter_->Peek({{"user", user, kQuota}}, 1); }
  // Tries on until Redis decides, with a bucket that no test looks at.
  void AwaitRedis() {
    do {
      Take({{"probe", "probe", {1'000'000'000, absl::Hours(1)}}});
    } while (limiter_->fallen());
  }
  static bool HasFallen() {
    return telemetry::RenderMetrics().find("florin_gateway_rate_limit_fallback 0\n") ==
           std::string::npos;
  }
  absl::StatusOr<RedisReply> Command(RedisConnection::Args args) {
    absl::StatusOr<RedisReply> reply = runtime_.Run(connection_.Call(args));
    while (!reply.ok()) reply = runtime_.Run(connection_.Call(args));
    return reply;
  }

 private:
  const RedisOptions options_;
  QuotaTable table_{1000};
  async::Runtime runtime_{1};
  RedisConnection connection_;
  std::unique_ptr<RedisRateLimiter> limiter_;
};

TEST(RedisRateLimiterTest, CountsForAllGatewaysTogether) {
  TestRedis redis;
  Gateway one(redis.address());
  Gateway two(redis.address());
  one.AwaitRedis();
  two.AwaitRedis();
  EXPECT_TRUE(one.TakeUser("a", 60));
  EXPECT_FALSE(two.TakeUser("a", 41));
  EXPECT_TRUE(two.TakeUser("a", 40));
  EXPECT_FALSE(one.TakeUser("a"));
  EXPECT_TRUE(one.TakeUser("b", 100));
  EXPECT_FALSE(two.Peek("a").admitted) << "known here since Redis said so";
}

TEST(RedisRateLimiterTest, TakesFromAllBucketsOrFromNone) {
  TestRedis redis;
  Gateway gateway(redis.address());
  gateway.AwaitRedis();
  const std::vector<Bucket> both = {{"network", "n", kQuota}, {"user", "u", {10, absl::Hours(1)}}};
  Outcome outcome = gateway.Take(both, 10);
  EXPECT_TRUE(outcome.admitted);
  EXPECT_EQ(outcome.verdicts[0].remaining, 90);
  outcome = gateway.Take(both, 1);
  EXPECT_FALSE(outcome.admitted);
  EXPECT_EQ(outcome.verdicts[0].remaining, 90);
  EXPECT_EQ(outcome.verdicts[1].remaining, 0);
  EXPECT_GT(outcome.RetryAfter(), absl::Minutes(5));
  EXPECT_TRUE(gateway.Take({both[0]}, 90).admitted) << "the network's was not charged";
}

TEST(RedisRateLimiterTest, NeedsOneTripForEachRequestAndLeavesNothingForEver) {
  TestRedis redis;
  Gateway gateway(redis.address());
  gateway.AwaitRedis();
  const auto commands = [&](const std::string& name) {
    const auto stats = gateway.Command({"INFO", "commandstats"});
    const std::string text = std::get<std::string>(stats->value);
    const std::string prefix = absl::StrCat("cmdstat_", name, ":calls=");
    const std::size_t at = text.find(prefix);
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + prefix.size());
  };
  const int before = commands("evalsha");
  for (int i = 0; i < 50; ++i)
    gateway.Take({{"network", "n", kQuota}, {"user", "u", kQuota}, {"client", "c", kQuota}});
  EXPECT_EQ(commands("evalsha"), before + 50);
  EXPECT_EQ(commands("eval"), 0);
  EXPECT_EQ(commands("script|load"), 1);
  for (const char* key : {"florin:quota:n", "florin:quota:u", "florin:quota:c"}) {
    const auto expiry = gateway.Command({"PTTL", key});
    EXPECT_GT(std::get<std::int64_t>(expiry->value), 0) << key;
    EXPECT_LE(std::get<std::int64_t>(expiry->value), 36'000'000) << key;
  }
}

TEST(RedisRateLimiterTest, SendsTheScriptAgainWhereItWasForgotten) {
  TestRedis redis;
  Gateway gateway(redis.address());
  gateway.AwaitRedis();
  EXPECT_TRUE(gateway.TakeUser("a", 50));
  EXPECT_TRUE(gateway.Command({"SCRIPT", "FLUSH"}).ok());
  EXPECT_TRUE(gateway.TakeUser("a", 50));
  EXPECT_FALSE(gateway.TakeUser("a"));
  EXPECT_FALSE(Gateway::HasFallen());
}

TEST(RedisRateLimiterTest, CountsAloneWhileRedisIsAway) {
  TestRedis redis;
  Gateway one(redis.address());
  Gateway two(redis.address());
  one.AwaitRedis();
  two.AwaitRedis();
  EXPECT_TRUE(one.TakeUser("a", 60));
  redis.Kill();
  EXPECT_FALSE(one.TakeUser("a", 41)) << "goes on from what Redis said last";
  EXPECT_TRUE(one.TakeUser("a", 40));
  EXPECT_TRUE(two.TakeUser("a", 100)) << "never heard of the other's";
  EXPECT_TRUE(Gateway::HasFallen());
  EXPECT_THAT(telemetry::RenderMetrics(), HasSubstr("florin_gateway_rate_limit_fallback 2\n"));
  EXPECT_THAT(telemetry::RenderMetrics(), HasSubstr("florin_gateway_rate_limit_fallback_total"));

  redis.Start();
  one.AwaitRedis();
  two.AwaitRedis();
  EXPECT_TRUE(one.TakeUser("b", 60));
  EXPECT_FALSE(two.TakeUser("b", 41)) << "together again";
}

TEST(RedisRateLimiterTest, DoesNotWaitForARedisThatHangs) {
  TestRedis redis;
  Gateway gateway(redis.address(), /*budget=*/absl::Milliseconds(20));
  gateway.AwaitRedis();
  redis.Pause();
  for (int i = 0; i < 200; ++i) gateway.TakeUser("a");
  EXPECT_TRUE(Gateway::HasFallen());
  EXPECT_FALSE(gateway.TakeUser("a")) << "the own table counted";
  redis.Resume();
  gateway.AwaitRedis();
  EXPECT_FALSE(Gateway::HasFallen());
}

TEST(RedisRateLimiterTest, StartsWithoutRedis) {
  TestRedis redis;
  redis.Kill();
  Gateway gateway(redis.address());
  EXPECT_TRUE(gateway.TakeUser("a", 100));
  EXPECT_FALSE(gateway.TakeUser("a"));
  EXPECT_TRUE(Gateway::HasFallen());
  redis.Start();
  gateway.AwaitRedis();
  EXPECT_FALSE(Gateway::HasFallen());
}

TEST(RedisAddressTest, TakesSocketsAndPorts) {
  EXPECT_TRUE(ParseRedisAddress("/run/redis/redis.sock").ok());
  EXPECT_TRUE(ParseRedisAddress("127.0.0.1:6379").ok());
  for (const std::string& bad :
       {std::string("redis"), std::string("127.0.0.1:port"), "/" + std::string(107, 'x')}) {
    EXPECT_FALSE(ParseRedisAddress(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace florin::gateway
