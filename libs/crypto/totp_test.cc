#include "libs/crypto/totp.h"

#include "gtest/gtest.h"

namespace florin::crypto {
namespace {

constexpr char kSecret[] = "12345678901234567890";

// RFC 6238 appendix B, the rows of SHA-1.
TEST(Totp, GivesTheCodesOfTheRfc) {
  const std::pair<std::int64_t, const char*> rows[] = {
      {59, "94287082"},
      {1'111'111'109, "07081804"},
      {1'111'111'111, "14050471"},
      {1'234'567'890, "89005924"},
      {2'000'000'000, "69279037"},
      {20'000'000'000, "65353130"},
  };
  for (const auto& [seconds, code] : rows) {
    const auto counter = static_cast<std::uint64_t>(TotpCounter(absl::FromUnixSeconds(seconds)));
    EXPECT_EQ(HotpCode(kSecret, counter, 8), code) << seconds;
  }
}

// RFC 4226 appendix D.
TEST(Hotp, GivesTheCodesOfTheRfc) {
  const char* codes[] = {"755224", "287082", "359152", "969429", "338314",
                         "254676", "287922", "162583", "399871", "520489"};
  for (int counter = 0; counter < 10; ++counter) {
    EXPECT_EQ(HotpCode(kSecret, static_cast<std::uint64_t>(counter), 6), codes[counter]);
  }
}

TEST(MatchTotp, TakesOneStepEitherWay) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const std::int64_t current = TotpCounter(now);
  for (int step = -3; step <= 3; ++step) {
    const std::string code = HotpCode(kSecret, static_cast<std::uint64_t>(current + step), 6);
    const auto matched = MatchTotp(kSecret, code, now);
    if (step >= -1 && step <= 1) {
      EXPECT_EQ(matched, current + step);
    } else {
      EXPECT_EQ(matched, std::nullopt) << step;
    }
  }
}

TEST(MatchTotp, TakesSixDigitsOnly) {
  const absl::Time now = absl::FromUnixSeconds(59);
  ASSERT_EQ(MatchTotp(kSecret, "287082", now), 1);
  for (const char* code : {"", "28708", "2870820", " 287082", "94287082", "28708a", "000000"}) {
    EXPECT_EQ(MatchTotp(kSecret, code, now), std::nullopt) << code;
  }
}

TEST(MatchTotp, KnowsNoTimeBeforeTheEpoch) {
  EXPECT_EQ(MatchTotp(kSecret, HotpCode(kSecret, 0, 6), absl::UnixEpoch()), 0);
  EXPECT_EQ(MatchTotp(kSecret, HotpCode(kSecret, ~std::uint64_t{0}, 6), absl::UnixEpoch()),
            std::nullopt);
}

// RFC 4648 section 10.
TEST(Base32, EncodesAsTheRfc) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"f", "MY"},
      {"fo", "MZXQ"},
      {"foo", "MZXW6"},
      {"foob", "MZXW6YQ"},
      {"fooba", "MZXW6YTB"},
      {"foobar", "MZXW6YTBOI"},
  };
  for (const auto& [octets, text] : rows) EXPECT_EQ(Base32Encode(octets), text);
}

TEST(TotpUri, IsWhatAppsRead) {
  EXPECT_EQ(TotpUri("Hello!\xDE\xAD\xBE\xEF", "Florin & Co", "ann+x@example.com"),
            "otpauth://totp/Florin%20%26%20Co:ann%2Bx%40example.com?secret=JBSWY3DPEHPK3PXP"
            "&issuer=Florin%20%26%20Co&algorithm=SHA1&digits=6&period=30");
}

TEST(NewTotpSecret, HasAHundredAndSixtyBits) {
  EXPECT_EQ(NewTotpSecret().size(), 20u);
  EXPECT_NE(NewTotpSecret(), NewTotpSecret());
}

}  // namespace
}  // namespace florin::crypto
