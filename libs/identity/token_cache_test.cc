#include "libs/identity/token_cache.h"

#include "gtest/gtest.h"

namespace florin::identity {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

crypto::Digest Token(int number) { return crypto::Sha256(std::to_string(number)); }

TokenCache::Entry Entry(int number, absl::Time expires_at = kNow + absl::Minutes(10)) {
  return {.principal = {.user_id = std::to_string(number)}, .expires_at = expires_at};
}

TEST(TokenCache, FindsWhatWasInserted) {
  TokenCache cache(10);
  cache.Insert(Token(1), Entry(1), kNow);
  ASSERT_TRUE(cache.Find(Token(1), kNow).has_value());
  EXPECT_EQ(cache.Find(Token(1), kNow)->user_id, "1");
  EXPECT_FALSE(cache.Find(Token(2), kNow).has_value());
}

TEST(TokenCache, ForgetsAtExpiry) {
  TokenCache cache(10);
  cache.Insert(Token(1), Entry(1), kNow);
  EXPECT_TRUE(cache.Find(Token(1), kNow + absl::Minutes(10) - absl::Nanoseconds(1)).has_value());
  EXPECT_FALSE(cache.Find(Token(1), kNow + absl::Minutes(10)).has_value());
  cache.Insert(Token(2), Entry(2, kNow + absl::Minutes(20)), kNow + absl::Minutes(10));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(TokenCache, NeverHoldsMoreThanItsCapacity) {
  TokenCache cache(3);
  for (int i = 0; i < 100; ++i) cache.Insert(Token(i), Entry(i), kNow);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_FALSE(cache.Find(Token(96), kNow).has_value());
  EXPECT_TRUE(cache.Find(Token(97), kNow).has_value());
  EXPECT_TRUE(cache.Find(Token(99), kNow).has_value());
}

TEST(TokenCache, TheSameTokenTwiceIsOneEntry) {
  TokenCache cache(3);
  for (int i = 0; i < 10; ++i) cache.Insert(Token(1), Entry(1), kNow);
  EXPECT_EQ(cache.size(), 1u);
  cache.Insert(Token(2), Entry(2), kNow);
  EXPECT_TRUE(cache.Find(Token(1), kNow).has_value());
}

TEST(TokenCache, ClearForgetsAll) {
  TokenCache cache(3);
  cache.Insert(Token(1), Entry(1), kNow);
  cache.Clear();
  EXPECT_FALSE(cache.Find(Token(1), kNow).has_value());
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace florin::identity
