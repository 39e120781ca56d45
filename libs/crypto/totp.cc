#include "libs/crypto/totp.h"

#include <openssl/hmac.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kSecretSize = 20;
constexpr std::size_t kSha1Size = 20;

// RFC 3986 section 2.1: everything but unreserved characters.
std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::string HotpCode(std::string_view secret, std::uint64_t counter, int digits) {
  FLORIN_CHECK(digits >= 6 && digits <= 9, "a code has 6 to 9 digits");
  unsigned char message[8];
  for (int i = 7; i >= 0; --i, counter >>= 8) message[i] = counter & 0xff;
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  FLORIN_CHECK(HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), message,
                    sizeof message, mac, &size) != nullptr &&
                   size == kSha1Size,
               "HMAC with SHA-1 is in every OpenSSL");
  const int offset = mac[kSha1Size - 1] & 0xf;
  std::uint32_t number = mac[offset] & 0x7fu;
  for (int i = 1; i < 4; ++i) number = number << 8 | mac[offset + i];
  std::uint32_t modulus = 1;
  for (int i = 0; i < digits; ++i) modulus *= 10;
  return absl::StrFormat("%0*d", digits, number % modulus);
}

std::int64_t TotpCounter(absl::Time now) {
  return absl::ToUnixSeconds(now) / absl::ToInt64Seconds(kTotpStep);
}

std::optional<std::int64_t> MatchTotp(std::string_view secret, std::string_view code,
                                      absl::Time now) {
  const std::int64_t current = TotpCounter(now);
  std::optional<std::int64_t> matched;
  // From the latest back, so that of two equal codes the older counter is taken: the newer one is
  // then still to be used.
  for (std::int64_t counter = current + 1; counter >= current - 1; --counter) {
    if (counter < 0) continue;
    if (ConstantTimeEqual(HotpCode(secret, static_cast<std::uint64_t>(counter), kTotpDigits),
                          code)) {
      matched = counter;
    }
  }
  return matched;
}

std::string NewTotpSecret() { return RandomOctets(kSecretSize); }

std::string Base32Encode(std::string_view octets) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : octets) {
    buffer = (buffer << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) text += kAlphabet[buffer >> (bits - 5) & 31];
  }
  if (bits > 0) text += kAlphabet[buffer << (5 - bits) & 31];
  return text;
}

std::string TotpUri(std::string_view secret, std::string_view issuer, std::string_view account) {
  const std::string name = PercentEncode(issuer);
  return absl::StrCat("otpauth://totp/", name, ":", PercentEncode(account),
                      "?secret=", Base32Encode(secret), "&issuer=", name,
                      "&algorithm=SHA1&digits=6&period=30");
}

}  // namespace florin::crypto
