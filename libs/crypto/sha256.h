// SHA-256 (FIPS 180-4), random octets and encodings.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::crypto {

using Digest = std::array<std::uint8_t, 32>;

Digest Sha256(std::string_view octets);
std::string Hex(std::string_view octets);  // lower case
inline std::string_view AsOctets(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// SHA-256 of octets that come piece by piece. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;

  void Add(std::string_view octets);
  Digest digest() const;  // Of all so far; more may be added after it.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// base64url without padding (RFC 4648 section 5). Decoding is strict: no padding, no white space,
// no stray bits. Error: kInvalidField.
std::string Base64UrlEncode(std::string_view octets);
absl::StatusOr<std::string> Base64UrlDecode(std::string_view text);

// From the operating system's generator.
std::string RandomOctets(std::size_t count);

// Compares without a timing difference that depends on the contents.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace florin::crypto
