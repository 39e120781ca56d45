#include "services/auth/flow/oauth_cleanup.h"

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_oauth_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

TEST(OAuthCleanup, DeletesAllThatExpiredBatchByBatch) {
  async::Runtime runtime(1);
  FakeClock clock(absl::FromUnixSeconds(1'800'000'000));
  FakeOAuthStore store;
  const absl::Time now = clock.Now();
  std::vector<IssuedAccessToken> tokens;
  for (int i = 0; i < 7; ++i) {
    tokens.push_back({.token_id = SystemIds().NewId(),
                      .client_id = "shop",
                      .expires_at = now + absl::Minutes(i < 5 ? 5 : 6)});
    ASSERT_THAT(runtime.Run(store.KeepAccessToken(tokens.back(), SomeEvent())), IsOk());
  }
  OAuthCleanup cleanup(store, clock, 2);
  const auto left = [&] {
    int count = 0;
    for (const IssuedAccessToken& token : tokens) {
      count += runtime.Run(store.FindAccessToken(token.token_id))->has_value();
    }
    return count;
  };
  EXPECT_THAT(runtime.Run(cleanup.RunOnce()), IsOk());
  EXPECT_EQ(left(), 7);
  clock.Advance(absl::Minutes(5));
  EXPECT_THAT(runtime.Run(cleanup.RunOnce()), IsOk());
  EXPECT_EQ(left(), 2);
}

}  // namespace
}  // namespace florin::auth
