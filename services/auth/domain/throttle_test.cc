#include "services/auth/domain/throttle.h"

#include <set>

#include "gtest/gtest.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr ThrottleRule kRule;

ThrottleState Fail(int times, absl::Time at = kNow) {
  ThrottleState state;
  for (int i = 0; i < times; ++i) state = CountAttempt(kRule, state, at);
  return state;
}

TEST(Throttle, TheFifthFailureBlocksForThirtyMinutes) {
  for (int failures = 0; failures < 5; ++failures) {
    EXPECT_TRUE(MayAttempt(Fail(failures), kNow)) << failures;
  }
  const ThrottleState blocked = Fail(5);
  EXPECT_FALSE(MayAttempt(blocked, kNow));
  EXPECT_FALSE(MayAttempt(blocked, kNow + absl::Minutes(30) - absl::Microseconds(1)));
  EXPECT_TRUE(MayAttempt(blocked, kNow + absl::Minutes(30)));
}

TEST(Throttle, EachFurtherFailureBlocksForTwiceAsLongUpToADay) {
  ThrottleState state = Fail(5);
  absl::Time at = kNow;
  for (const int minutes : {60, 120, 240, 480, 960, 1440, 1440}) {
    at = state.blocked_until;
    state = CountAttempt(kRule, state, at);
    EXPECT_EQ(state.blocked_until - at, absl::Minutes(minutes));
  }
}

TEST(Throttle, IsForgottenAfterTwoQuietDays) {
  const ThrottleState five = Fail(5);
  EXPECT_EQ(CountAttempt(kRule, five, kNow + absl::Hours(48)).failures, 6);
  EXPECT_EQ(CountAttempt(kRule, five, kNow + absl::Hours(48) + absl::Seconds(1)).failures, 1);
}

TEST(Throttle, ASuccessTakesItsAttemptBackAndTheBlockThatItSet) {
  EXPECT_EQ(TakeBackAttempt(kRule, Fail(5)), Fail(4));
  EXPECT_EQ(TakeBackAttempt(kRule, Fail(1)).failures, 0);
  EXPECT_EQ(TakeBackAttempt(kRule, ThrottleState()), ThrottleState());
  // But not the block that others have set.
  EXPECT_FALSE(MayAttempt(TakeBackAttempt(kRule, Fail(6)), kNow));
}

TEST(Throttle, ManyFailuresDoNotOverflow) {
  EXPECT_EQ(Fail(1'000'000).blocked_until, kNow + absl::Hours(24));
}

std::set<std::string> Names(const std::vector<Lane>& lanes) {
  std::set<std::string> names;
  for (const Lane& lane : lanes) names.insert(lane.name);
  return names;
}

TEST(LanesOf, KeepAKnownDeviceApartFromEverybodyElse) {
  const auto stranger = Names(LanesOf(Guess::kPassword, "ann", "", "192.0.2.0/24"));
  const auto known = Names(LanesOf(Guess::kPassword, "ann", "device", "192.0.2.0/24"));
  EXPECT_EQ(stranger.size(), 2u);
  EXPECT_EQ(known.size(), 1u);
  for (const std::string& name : known) EXPECT_FALSE(stranger.contains(name));
  EXPECT_NE(known, Names(LanesOf(Guess::kPassword, "ann", "other", "192.0.2.0/24")));
  EXPECT_NE(known, Names(LanesOf(Guess::kPassword, "bob", "device", "192.0.2.0/24")));
}

TEST(LanesOf, KeepKindsApartAndPutAnAccountsStrangersTogether) {
  EXPECT_NE(Names(LanesOf(Guess::kPassword, "ann", "", "")),
            Names(LanesOf(Guess::kTotp, "ann", "", "")));
  EXPECT_EQ(LanesOf(Guess::kPassword, "ann", "", "a").front().name,
            LanesOf(Guess::kPassword, "ann", "", "b").front().name);
  // A subject cannot be written so that it has another's lane.
  EXPECT_NE(Names(LanesOf(Guess::kPassword, "ann", "x", "")),
            Names(LanesOf(Guess::kPassword, "annx", "", "")));
}

TEST(LanesOf, AnAccountBlocksAfterFiveANetworkAfterFifty) {
  const auto lanes = LanesOf(Guess::kTotp, "ann", "", "192.0.2.0/24");
  EXPECT_EQ(lanes[0].rule, ThrottleRule());
  EXPECT_TRUE(lanes[0].cleared_by_success);
  EXPECT_EQ(lanes[1].rule.failures, 50);
  EXPECT_FALSE(lanes[1].cleared_by_success);
}

TEST(MailLanes, LeaveOneAnHour) {
  const ThrottleRule rule = MailLanes("ann@example.com", "").front().rule;
  ThrottleState state;
  for (int i = 0; i < 20; ++i) {
    const absl::Time at = std::max(kNow, state.blocked_until);
    state = CountAttempt(rule, state, at);
    EXPECT_TRUE(MayAttempt(state, at + absl::Hours(1))) << i;
    EXPECT_EQ(MayAttempt(state, at), i < 2) << i;
  }
}

}  // namespace
}  // namespace florin::auth
