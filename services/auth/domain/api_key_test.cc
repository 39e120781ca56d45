#include "services/auth/domain/api_key.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kLater = kNow + absl::Seconds(1);
const absl::Time kEarlier = kNow - absl::Seconds(1);

TEST(ApiKey, IsGoodUntilItIsRevokedOrExpires) {
  using Time = std::optional<absl::Time>;
  const struct {
    const char* mode;
    Time revoked;
    Time key_expires;
    Time secret_expires;
    std::optional<Reason> reason;
  } cases[] = {
      {"test", {}, {}, {}, {}},
      {"test", {}, kLater, kLater, {}},
      {"test", {}, kNow, {}, Reason::kTokenExpired},
      {"test", {}, {}, kNow, Reason::kTokenExpired},
      {"test", {}, kLater, kEarlier, Reason::kTokenExpired},
      {"test", kNow, kEarlier, {}, Reason::kTokenInvalid},
      // A revocation counts whatever the clocks of two machines say.
      {"test", kLater, {}, {}, Reason::kTokenInvalid},
      {"live", {}, {}, {}, Reason::kApiKeyWrongMode},
      {"live", {}, kEarlier, {}, Reason::kApiKeyWrongMode},
      {"live", kNow, {}, {}, Reason::kTokenInvalid},
  };
  for (const auto& [mode, revoked, key_expires, secret_expires, reason] : cases) {
    const ApiKey key{.mode = "test", .expire_time = key_expires, .revoke_time = revoked};
    EXPECT_EQ(ReasonOf(CheckUse(key, secret_expires, mode, kNow)), reason);
  }
}

TEST(ApiKey, AUseEndsWithTheEarlierOfKeyAndSecret) {
  ApiKey key;
  EXPECT_EQ(UseExpiry(key, std::nullopt), std::nullopt);
  EXPECT_EQ(UseExpiry(key, kNow), kNow);
  key.expire_time = kLater;
  EXPECT_EQ(UseExpiry(key, std::nullopt), kLater);
  EXPECT_EQ(UseExpiry(key, kNow), kNow);
  key.expire_time = kEarlier;
  EXPECT_EQ(UseExpiry(key, kNow), kEarlier);
}

TEST(ApiKey, HasEndedForGood) {
  EXPECT_FALSE(HasEnded({}, kNow));
  EXPECT_FALSE(HasEnded({.expire_time = kLater}, kNow));
  EXPECT_TRUE(HasEnded({.expire_time = kNow}, kNow));
  EXPECT_TRUE(HasEnded({.revoke_time = kLater}, kNow));
}

TEST(ApiKey, NamesArePlainText) {
  for (const std::string& name : {std::string("x"), std::string("Käse"), std::string(140, 'a')}) {
    EXPECT_THAT(CheckKeyName(name), IsOk());
  }
  for (const std::string& name :
       {std::string(), std::string(141, 'a'), std::string("a\nb"), std::string("\xff")}) {
    EXPECT_THAT(CheckKeyName(name), StatusHasReason(Reason::kInvalidDisplayName));
  }
}

TEST(ApiKey, OverlapsLastSevenDaysAtMost) {
  EXPECT_EQ(*CheckOverlap(0), absl::ZeroDuration());
  EXPECT_EQ(*CheckOverlap(604'800), kLongestOverlap);
  for (const std::int64_t seconds : {std::int64_t{-1}, std::int64_t{604'801}, INT64_MAX}) {
    EXPECT_THAT(CheckOverlap(seconds), StatusHasReason(Reason::kInvalidField));
    EXPECT_THAT(CheckOverlap(seconds), StatusHasParam("overlap_seconds"));
  }
}

}  // namespace
}  // namespace florin::auth
