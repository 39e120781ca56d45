#include "services/gateway/http/quota_gate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"

namespace florin::gateway {
namespace {

using options::v1::MethodPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Route Of(const std::string& http_method, MethodPolicy::RateClass rate_class, int cost = 0) {
  Route route{.http_method = http_method};
  route.policy.set_rate_class(rate_class);
  route.policy.set_rate_cost(cost);
  return route;
}

TEST(RateClassTest, SaysCostAndPriority) {
  struct Case {
    Route route;
    std::int64_t cost;
    Priority priority;
    Priority priority_of_retry;
  };
  const Case cases[] = {
      {Of("GET", MethodPolicy::RATE_CLASS_UNSPECIFIED), 1, Priority::kRead, Priority::kRead},
      {Of("POST", MethodPolicy::RATE_CLASS_UNSPECIFIED), 5, Priority::kWrite, Priority::kRead},
      {Of("POST", MethodPolicy::READ), 1, Priority::kRead, Priority::kRead},
      {Of("GET", MethodPolicy::WRITE), 5, Priority::kWrite, Priority::kRead},
      {Of("POST", MethodPolicy::CREDENTIAL), 20, Priority::kCredential, Priority::kCredential},
      {Of("POST", MethodPolicy::WRITE, 300), 300, Priority::kWrite, Priority::kRead},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CostOf(&c.route), c.cost);
    EXPECT_EQ(PriorityOf(&c.route, false), c.priority);
    EXPECT_EQ(PriorityOf(&c.route, true), c.priority_of_retry);
  }
  EXPECT_EQ(CostOf(nullptr), 1) << "what has no route";
}

TEST(RetryAttemptTest, IsASmallNumber) {
  for (const char* yes : {"1", "9", "10", "99"}) EXPECT_TRUE(IsRetryAttempt(yes)) << yes;
  for (const char* no : {"", "0", "01", "100", "-1", "1.0", "yes", " 1"})
    EXPECT_FALSE(IsRetryAttempt(no)) << no;
}

class QuotaGateTest : public ::testing::Test {
 protected:
  absl::Status Take(const std::string& network, const rpc::Principal* principal, int cost = 1) {
    return runtime_.Run(gate_.Take(network, principal, cost, fields_));
  }
  static rpc::Principal Of(const std::string& user, const std::string& client) {
    rpc::Principal principal;
    principal.user_id = user;
    principal.client_id = client;
    return principal;
  }

  QuotaTable table_{1000};
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  QuotaGate gate_{std::make_unique<LocalRateLimiter>(table_, clock_),
                  Quotas{.network = {30, absl::Seconds(30)},
                         .user = {10, absl::Seconds(10)},
                         .client = {15, absl::Seconds(15)}}};
  QuotaGate::Fields fields_;
  async::Runtime runtime_{1};
};

TEST_F(QuotaGateTest, TakesFromNetworkUserAndClient) {
  const rpc::Principal ann = Of("ann", "app");
  const rpc::Principal bob = Of("bob", "app");
  EXPECT_TRUE(Take("n1", &ann, 10).ok());
  EXPECT_THAT(fields_, ElementsAre(Pair("RateLimit-Policy",
                                        "\"network\";q=30;w=30, \"user\";q=10;"
                                        "w=10, \"client\";q=15;w=15"),
                                   Pair("RateLimit", "\"user\";r=0;t=10")));
  const absl::Status refused = Take("n2", &ann, 3);
  EXPECT_EQ(ReasonOf(refused), Reason::kRateLimited);
  EXPECT_THAT(DetailOf(refused).metadata,
              ElementsAre(Pair("policy", "user"), Pair("retry_after_seconds", "3")));
  EXPECT_TRUE(Take("n1", &bob, 5).ok());
  EXPECT_EQ(DetailOf(Take("n1", &bob, 1)).metadata.at("policy"), "client");
  EXPECT_TRUE(Take("n1", nullptr, 15).ok());
  EXPECT_EQ(DetailOf(Take("n1", nullptr)).metadata.at("policy"), "network");
  EXPECT_TRUE(Take("n2", nullptr, 30).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Take("n1", nullptr).ok());
}

TEST_F(QuotaGateTest, KnowsBeforehandWhoHasNothingLeft) {
  EXPECT_TRUE(gate_.Precheck("n1", 30, fields_).ok());
  EXPECT_THAT(fields_, IsEmpty());
  EXPECT_TRUE(Take("n1", nullptr, 30).ok());
  EXPECT_EQ(ReasonOf(gate_.Precheck("n1", 1, fields_)), Reason::kRateLimited);
  EXPECT_THAT(fields_, ElementsAre(Pair("RateLimit-Policy", "\"network\";q=30;w=30"),
                                   Pair("RateLimit", "\"network\";r=0;t=30")));
}

}  // namespace
}  // namespace florin::gateway
