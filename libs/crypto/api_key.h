// The text of API keys.
//
//   flk_test_7Yb0cZq…(32 random characters)…0a1B2c
//   '--' '--'  '---------- base62 ---------' '----'  CRC-32 of all before it, 6 characters of
//   base62
//
// Fixed prefix and checksum let scanners of source code and logs tell a key from other text, and a
// mistyped key from a wrong one, without asking anybody. The checksum keeps no secret and proves
// nothing. 32 characters are 190 bits: SHA-256 alone keeps them safe, no slow hash is needed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/crypto/sha256.h"
#include "libs/status/status.h"

namespace florin::crypto {

// What a key is for: play money or real money.
enum class ApiKeyMode { kTest, kLive };
std::string_view NameOf(ApiKeyMode mode);  // "test", "live"
std::optional<ApiKeyMode> ApiKeyModeFromName(std::string_view name);

inline constexpr std::string_view kApiKeyPrefix = "flk_";
inline constexpr std::size_t kApiKeyRandomCharacters = 32;
inline constexpr std::size_t kApiKeyLength = 9 + kApiKeyRandomCharacters + 6;

// Whether `token` says that it is an API key, well-formed or not. No JWT does: its header is a JSON
// object, and the base64url of `{` begins with `e`. Pure.
inline bool LooksLikeApiKey(std::string_view token) {
  return token.substr(0, kApiKeyPrefix.size()) == kApiKeyPrefix;
}

// The key with these 32 characters of [0-9A-Za-z] (a broken promise otherwise). Pure.
std::string FormatApiKey(ApiKeyMode mode, std::string_view random_characters);

// Mode of a well-formed key: length, alphabet and checksum are right. Error: kTokenInvalid, which
// does not repeat the text. Pure.
absl::StatusOr<ApiKeyMode> ParseApiKey(std::string_view text);

// A new key, its characters uniformly from the operating system's generator.
std::string NewApiKey(ApiKeyMode mode);

// What may be shown of a well-formed key: `flk_test_` and the first 8 random characters, which
// leaves 142 bits. Pure.
std::string ApiKeyDisplayPrefix(std::string_view key);

}  // namespace florin::crypto
