#include "services/auth/domain/refresh.h"

#include "gtest/gtest.h"

namespace florin::auth {
namespace {

const absl::Time kIssued = absl::FromUnixSeconds(1'800'000'000);

RefreshState Fresh() { return {.used_at = kIssued, .expires_at = kIssued + kRefreshLifetime}; }

TEST(DecideRefresh, IsGoodUntilIdleOrOld) {
  EXPECT_EQ(DecideRefresh(Fresh(), kIssued), RefreshDecision::kUse);
  EXPECT_EQ(DecideRefresh(Fresh(), kIssued + kRefreshIdle - absl::Seconds(1)),
            RefreshDecision::kUse);
  EXPECT_EQ(DecideRefresh(Fresh(), kIssued + kRefreshIdle), RefreshDecision::kExpired);
  RefreshState used = Fresh();
  used.used_at = kIssued + absl::Hours(24 * 13);
  EXPECT_EQ(DecideRefresh(used, kIssued + absl::Hours(24 * 15)), RefreshDecision::kUse);
  used.used_at = kIssued + absl::Hours(24 * 29);
  EXPECT_EQ(DecideRefresh(used, kIssued + kRefreshLifetime), RefreshDecision::kExpired);
}

TEST(DecideRefresh, AReplacedOneMayBeRepeatedForTenSeconds) {
  RefreshState state = Fresh();
  state.replaced_at = kIssued + absl::Hours(1);
  EXPECT_EQ(DecideRefresh(state, *state.replaced_at), RefreshDecision::kRetry);
  EXPECT_EQ(DecideRefresh(state, *state.replaced_at + kRefreshGrace), RefreshDecision::kRetry);
  EXPECT_EQ(DecideRefresh(state, *state.replaced_at + kRefreshGrace + absl::Microseconds(1)),
            RefreshDecision::kReuse);
  EXPECT_EQ(DecideRefresh(state, kIssued + 2 * kRefreshLifetime), RefreshDecision::kReuse);
}

TEST(DecideRefresh, TheGraceDoesNotOutliveTheToken) {
  RefreshState state = Fresh();
  state.used_at = state.expires_at - absl::Seconds(1);
  state.replaced_at = state.used_at;
  EXPECT_EQ(DecideRefresh(state, state.expires_at), RefreshDecision::kExpired);
}

}  // namespace
}  // namespace florin::auth
