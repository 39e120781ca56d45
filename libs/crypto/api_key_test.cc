#include "libs/crypto/api_key.h"

#include <set>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

constexpr char kZeros[] = "00000000000000000000000000000000";
constexpr char kMixed[] = "0123456789ABCDEFabcdefXYZxyz0000";

// Checksums from another implementation: Python's zlib.crc32, then base62.
TEST(ApiKey, HasTheseForms) {
  const std::tuple<ApiKeyMode, const char*, const char*> vectors[] = {
      {ApiKeyMode::kTest, kZeros, "flk_test_000000000000000000000000000000003rbUgu"},
      {ApiKeyMode::kLive, kZeros, "flk_live_000000000000000000000000000000001oopn7"},
      {ApiKeyMode::kTest, kMixed, "flk_test_0123456789ABCDEFabcdefXYZxyz00001HgG9d"},
      {ApiKeyMode::kLive, kMixed, "flk_live_0123456789ABCDEFabcdefXYZxyz00004VqC2q"},
  };
  for (const auto& [mode, characters, text] : vectors) {
    EXPECT_EQ(FormatApiKey(mode, characters), text);
    const auto parsed = ParseApiKey(text);
    ASSERT_THAT(parsed, IsOk()) << text;
    EXPECT_EQ(*parsed, mode) << text;
    EXPECT_EQ(std::string(text).size(), kApiKeyLength);
  }
}

TEST(ApiKey, AnyOneChangedCharacterIsSeen) {
  const std::string key = FormatApiKey(ApiKeyMode::kTest, kMixed);
  for (std::size_t i = 0; i < key.size(); ++i) {
    for (const char other : {'0', '1', 'A', 'z', '_', '-', '\0'}) {
      std::string changed = key;
      if (changed[i] == other) continue;
      changed[i] = other;
      EXPECT_THAT(ParseApiKey(changed), StatusHasReason(Reason::kTokenInvalid)) << changed;
    }
  }
}

TEST(ApiKey, NothingElseIsOne) {
  const std::string key = FormatApiKey(ApiKeyMode::kTest, kMixed);
  std::string swapped = key;
  std::swap(swapped[10], swapped[11]);
  std::string live = key;
  live.replace(4, 4, "live");
  for (const std::string& text :
       {std::string(), std::string("flk_"), std::string("flk_test_"), key + "0", " " + key,
        key.substr(0, key.size() - 1), swapped, live, "FLK" + key.substr(3)}) {
    const auto parsed = ParseApiKey(text);
    EXPECT_THAT(parsed, StatusHasReason(Reason::kTokenInvalid)) << text;
    EXPECT_EQ(parsed.status().message().find(kMixed), std::string::npos);
  }
}

TEST(ApiKey, NewOnesAreWellFormedAndDiffer) {
  std::set<std::string> keys;
  std::set<char> characters;
  for (int i = 0; i < 200; ++i) {
    const std::string key = NewApiKey(ApiKeyMode::kLive);
    const auto mode = ParseApiKey(key);
    ASSERT_THAT(mode, IsOk()) << key;
    EXPECT_EQ(*mode, ApiKeyMode::kLive);
    EXPECT_TRUE(keys.insert(key).second);
    for (const char c : key.substr(9, kApiKeyRandomCharacters)) characters.insert(c);
  }
  EXPECT_EQ(characters.size(), 62u);  // Missing one of 6400 drawn has a chance below 10^-43.
}

TEST(ApiKey, ShowsItsFirstCharactersOnly) {
  EXPECT_EQ(ApiKeyDisplayPrefix(FormatApiKey(ApiKeyMode::kTest, kMixed)), "flk_test_01234567");
}

TEST(ApiKey, IsToldFromAJwtByItsShape) {
  EXPECT_TRUE(LooksLikeApiKey("flk_live_x"));
  EXPECT_FALSE(LooksLikeApiKey("eyJhbGciOiJFUzI1NiJ9.e30.x"));
  EXPECT_FALSE(LooksLikeApiKey("flk"));
}

TEST(ApiKey, ModesHaveNames) {
  EXPECT_EQ(ApiKeyModeFromName("test"), ApiKeyMode::kTest);
  EXPECT_EQ(ApiKeyModeFromName("live"), ApiKeyMode::kLive);
  EXPECT_EQ(ApiKeyModeFromName("Live"), std::nullopt);
}

}  // namespace
}  // namespace florin::crypto
