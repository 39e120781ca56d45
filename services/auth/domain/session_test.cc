#include "services/auth/domain/session.h"

#include "gtest/gtest.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Session SessionOf(absl::Duration since_auth, absl::Duration since_activity) {
  Session session;
  session.proofs = {Proof::kPassword, Proof::kTotp};
  session.create_time = kNow - since_auth;
  session.auth_time = kNow - since_auth;
  session.active_time = kNow - since_activity;
  return session;
}

TEST(SessionStateTest, EndsByIdlenessAndByAge) {
  const struct {
    absl::Duration since_auth;
    absl::Duration since_activity;
    SessionState state;
  } cases[] = {
      {absl::ZeroDuration(), absl::ZeroDuration(), SessionState::kActive},
      {absl::Seconds(299), absl::Seconds(299), SessionState::kActive},
      {absl::Seconds(300), absl::Seconds(300), SessionState::kActive},
      {absl::Seconds(301), absl::Seconds(301), SessionState::kIdle},
      {absl::Hours(1), absl::Seconds(299), SessionState::kActive},
      {absl::Hours(1), absl::Seconds(301), SessionState::kIdle},
      {absl::Hours(12), absl::ZeroDuration(), SessionState::kActive},
      {absl::Hours(12) + absl::Seconds(1), absl::ZeroDuration(), SessionState::kExpired},
      {absl::Hours(13), absl::Hours(1), SessionState::kExpired},
      {-absl::Minutes(10), -absl::Minutes(10), SessionState::kActive},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(StateOf(SessionOf(c.since_auth, c.since_activity), kNow), c.state)
        << c.since_auth << " " << c.since_activity;
  }
}

TEST(SessionMeetsTest, StrengthAndAge) {
  const Session session = SessionOf(absl::Minutes(5), absl::ZeroDuration());
  EXPECT_TRUE(Meets(session, Strength::kPassword, absl::InfiniteDuration(), kNow));
  EXPECT_TRUE(Meets(session, Strength::kTwoFactors, absl::Minutes(5), kNow));
  EXPECT_FALSE(Meets(session, Strength::kPhishingResistant, absl::InfiniteDuration(), kNow));
  EXPECT_FALSE(Meets(session, Strength::kPassword, absl::Minutes(5) - absl::Seconds(1), kNow));
  EXPECT_FALSE(Meets(session, Strength::kPassword, absl::ZeroDuration(), kNow));
}

}  // namespace
}  // namespace florin::auth
