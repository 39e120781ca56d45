#include "services/gateway/limits/gcra.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/limits/fields.h"
#include "services/gateway/limits/network.h"
#include "services/gateway/limits/shedding.h"

namespace florin::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const Quota kTenEachMinute{10, absl::Minutes(1)};  // One each 6 s.

std::vector<Bucket> User(Quota quota = kTenEachMinute) { return {{"user", "u:1", quota}}; }

TEST(GcraTest, GivesABurstAndThenOneAtATime) {
  std::vector<Debt> debts = {absl::ZeroDuration()};
  for (int i = 0; i < 10; ++i) {
    const Outcome outcome = Take(User(), 1, debts);
    EXPECT_TRUE(outcome.admitted) << i;
    EXPECT_EQ(outcome.verdicts[0].remaining, 9 - i);
    EXPECT_EQ(outcome.verdicts[0].until_full, absl::Seconds(6) * (i + 1));
  }
  const Outcome refused = Take(User(), 1, debts);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.RetryAfter(), absl::Seconds(6));
  EXPECT_EQ(debts[0], absl::Minutes(1)) << "a refusal takes nothing";

  debts[0] -= absl::Seconds(6) - absl::Microseconds(1);
  EXPECT_FALSE(Take(User(), 1, debts).admitted);
  debts[0] -= absl::Microseconds(1);
  EXPECT_TRUE(Take(User(), 1, debts).admitted);
  EXPECT_FALSE(Take(User(), 1, debts).admitted);
}

TEST(GcraTest, TakesTheCost) {
  std::vector<Debt> debts = {absl::ZeroDuration()};
  EXPECT_EQ(Take(User(), 7, debts).verdicts[0].remaining, 3);
  const Outcome refused = Take(User(), 5, debts);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.verdicts[0].remaining, 3);
  EXPECT_EQ(refused.RetryAfter(), absl::Seconds(12)) << "for the two that are missing";
  EXPECT_TRUE(Take(User(), 3, debts).admitted);
}

TEST(GcraTest, AdmitsWhatCostsMoreThanTheQuotaWhenAllOfItIsThere) {
  std::vector<Debt> debts = {absl::ZeroDuration()};
  EXPECT_TRUE(Take(User(), 1000, debts).admitted);
  EXPECT_EQ(Take(User(), 1000, debts).RetryAfter(), absl::Minutes(1));
}

TEST(GcraTest, TakesFromAllBucketsOrFromNone) {
  const std::vector<Bucket> buckets = {{"network", "n", {100, absl::Seconds(100)}},
                                       {"user", "u", {2, absl::Seconds(2)}}};
  std::vector<Debt> debts(2);
  EXPECT_TRUE(Take(buckets, 2, debts).admitted);
  const Outcome refused = Take(buckets, 1, debts);
  EXPECT_FALSE(refused.admitted);
  EXPECT_TRUE(refused.verdicts[0].admitted);
  EXPECT_FALSE(refused.verdicts[1].admitted);
  EXPECT_EQ(refused.verdicts[0].remaining, 98) << "the network's is not charged";
  EXPECT_THAT(debts, ElementsAre(absl::Seconds(2), absl::Seconds(2)));
}

TEST(GcraTest, BoundsTheHarmOfAClockThatWasSetBack) {
  std::vector<Debt> debts = {absl::Hours(1000)};
  EXPECT_EQ(Take(User(), 1, debts).RetryAfter(), absl::Seconds(6));
  debts = {-absl::Hours(1000)};
  EXPECT_EQ(Take(User(), 1, debts).verdicts[0].remaining, 9) << "nobody saves up more";
}

TEST(ParseQuotaTest, TakesUnitsAndWindow) {
  EXPECT_EQ(*ParseQuota("1200/60s"), (Quota{1200, absl::Minutes(1)}));
  EXPECT_EQ(*ParseQuota("1/24h"), (Quota{1, absl::Hours(24)}));
  EXPECT_EQ(*ParseQuota("1000000/1s"), (Quota{1'000'000, absl::Seconds(1)}));
  for (const char* bad : {"", "/", "10", "10/", "/60s", "0/60s", "-1/60s", "10/0s", "10/25h",
                          "10/x", "1000001/1s", "10/60", "1.5/60s", "9999999999/24h"}) {
    EXPECT_FALSE(ParseQuota(bad).ok()) << bad;
  }
}

TEST(NetworkTest, TruncatesAddresses) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.17", "192.0.2.0/24"},
      {"127.0.0.1", "127.0.0.0/24"},
      {"::ffff:192.0.2.17", "192.0.2.0/24"},
      {"2001:db8:0:1ff::1", "2001:db8:0:100::/56"},
      {"2001:db8:0:100:ffff:ffff:ffff:ffff", "2001:db8:0:100::/56"},
      {"2001:db8:0:200::1", "2001:db8:0:200::/56"},
      {"fe80::1%lo", "fe80::/56"},
      {"::1", "::/56"},
      {"", "unknown"},
      {"localhost", "unknown"},
      {"1.2.3", "unknown"},
  };
  for (const auto& [address, network] : cases) EXPECT_EQ(NetworkOf(address), network) << address;
}

TEST(SheddingTest, KeepsReadsAndRetriesLongest) {
  struct Case {
    Priority priority;
    int running;
    bool begins;
  };
  const Case cases[] = {
      {Priority::kRead, 99, true},       {Priority::kRead, 100, false},
      {Priority::kWrite, 79, true},      {Priority::kWrite, 80, false},
      {Priority::kCredential, 49, true}, {Priority::kCredential, 50, false},
  };
  for (const Case& c : cases) EXPECT_EQ(MayBegin(c.priority, c.running, 100), c.begins);
  EXPECT_TRUE(MayBegin(Priority::kCredential, 0, 1)) << "one may always run";
  EXPECT_FALSE(MayBegin(Priority::kRead, 1, 1));
}

TEST(RateLimitFieldsTest, NamesEveryPolicyAndTheTightestState) {
  const std::vector<Bucket> buckets = {{"network", "n", {100, absl::Seconds(100)}},
                                       {"user", "u", {10, absl::Seconds(60)}}};
  std::vector<Debt> debts(2);
  Outcome outcome = Take(buckets, 5, debts);
  EXPECT_THAT(RateLimitFields(buckets, outcome),
              ElementsAre(Pair("RateLimit-Policy", "\"network\";q=100;w=100, \"user\";q=10;w=60"),
                          Pair("RateLimit", "\"user\";r=5;t=30")));
  debts = {absl::Seconds(97), absl::Milliseconds(5999)};
  outcome = Take(buckets, 5, debts);
  EXPECT_FALSE(outcome.admitted);
  EXPECT_EQ(RateLimitFields(buckets, outcome)[1].second, "\"network\";r=3;t=97");
  EXPECT_THAT(RateLimitFields({}, Outcome()), IsEmpty());
}

TEST(RateLimitFieldsTest, WaitsWholeSeconds) {
  EXPECT_EQ(WholeSeconds(absl::ZeroDuration()), 1);
  EXPECT_EQ(WholeSeconds(absl::Seconds(2)), 2);
  EXPECT_EQ(WholeSeconds(absl::Milliseconds(2001)), 3);
}

}  // namespace
}  // namespace florin::gateway
