#include "libs/crypto/api_key.h"

#include <cstdint>

#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kModePrefix = 9;  // Of "flk_test_".
constexpr std::size_t kShown = 8;

// CRC-32 as Ethernet and zip have it (ISO/IEC 8802-3, reflected polynomial 0xEDB88320).
std::uint32_t Crc32(std::string_view octets) {
  std::uint32_t crc = 0xffff'ffff;
  for (const char octet : octets) {
    crc ^= static_cast<std::uint8_t>(octet);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb8'8320 : 0);
  }
  return ~crc;
}

// 62^6 exceeds 2^32.
std::string Checksum(std::string_view body) {
  std::string text(6, '0');
  std::uint32_t rest = Crc32(body);
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
    *digit = kAlphabet[rest % kAlphabet.size()];
    rest /= kAlphabet.size();
  }
  return text;
}

bool IsBase62(std::string_view text) {
  return text.find_first_not_of(kAlphabet) == std::string_view::npos;
}

std::string PrefixOf(ApiKeyMode mode) {
  return std::string(kApiKeyPrefix) + std::string(NameOf(mode)) + "_";
}

}  // namespace

std::string_view NameOf(ApiKeyMode mode) { return mode == ApiKeyMode::kTest ? "test" : "live"; }

std::optional<ApiKeyMode> ApiKeyModeFromName(std::string_view name) {
  for (const ApiKeyMode mode : {ApiKeyMode::kTest, ApiKeyMode::kLive}) {
    if (name == NameOf(mode)) return mode;
  }
  return std::nullopt;
}

std::string FormatApiKey(ApiKeyMode mode, std::string_view random_characters) {
  FLORIN_CHECK(random_characters.size() == kApiKeyRandomCharacters && IsBase62(random_characters),
               "a key has 32 characters of base62");
  const std::string body = PrefixOf(mode) + std::string(random_characters);
  return body + Checksum(body);
}

absl::StatusOr<ApiKeyMode> ParseApiKey(std::string_view text) {
  const absl::Status malformed = Error(Reason::kTokenInvalid, "the API key is malformed");
  if (text.size() != kApiKeyLength) return malformed;
  const std::string_view body = text.substr(0, kModePrefix + kApiKeyRandomCharacters);
  if (!IsBase62(body.substr(kModePrefix)) || text.substr(body.size()) != Checksum(body)) {
    return malformed;
  }
  for (const ApiKeyMode mode : {ApiKeyMode::kTest, ApiKeyMode::kLive}) {
    if (text.substr(0, kModePrefix) == PrefixOf(mode)) return mode;
  }
  return malformed;
}

std::string NewApiKey(ApiKeyMode mode) {
  constexpr unsigned kFair = 256 - 256 % 62;  // Greater octets would favour the first characters.
  std::string characters;
  while (characters.size() < kApiKeyRandomCharacters) {
    for (const char octet : RandomOctets(kApiKeyRandomCharacters)) {
      const auto value = static_cast<std::uint8_t>(octet);
      if (value < kFair && characters.size() < kApiKeyRandomCharacters) {
        characters += kAlphabet[value % kAlphabet.size()];
      }
    }
  }
  return FormatApiKey(mode, characters);
}

std::string ApiKeyDisplayPrefix(std::string_view key) {
  return std::string(key.substr(0, kModePrefix + kShown));
}

}  // namespace florin::crypto
