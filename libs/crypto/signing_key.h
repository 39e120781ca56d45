// P-256 keys for ES256 (RFC 7518 section 3.4): the signer, the verifier, and the ring of keys on
// disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::crypto {

// Public half. Immutable, thread-safe, cheap to copy.
class VerificationKey {
 public:
  // From JWK coordinates (base64url, 32 octets each). Error: kInvalidField if that is no point of
  // P-256.
  static absl::StatusOr<VerificationKey> FromJwk(std::string_view x, std::string_view y);

  // Whether `signature` (r ‖ s, 64 octets) is valid for `message`. All-zero and over-long values
  // are not.
  bool Verify(std::string_view message, std::string_view signature) const;

  const std::string& kid() const;  // RFC 7638 thumbprint, base64url
  const std::string& x() const;    // base64url
  const std::string& y() const;

 private:
  friend class SigningKey;
  struct State;
  std::shared_ptr<const State> state_;
};

// Private key. Immutable, thread-safe, cheap to copy; the memory is cleansed with the last copy.
class SigningKey {
 public:
  static SigningKey Generate();
  // PEM (PKCS #8). Error: kInvalidField.
  static absl::StatusOr<SigningKey> FromPem(std::string_view pem);
  std::string ToPem() const;

  std::string Sign(std::string_view message) const;  // r ‖ s, 64 octets
  const VerificationKey& public_key() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// The keys of a signer: a directory of `*.pem` files, mode 0600 each (others are refused). The file
// names order them: the greatest name signs, all verify. To rotate, add a file with a greater name
// and reload; remove the old one when its tokens have died.
struct KeyRing {
  std::vector<SigningKey> keys;  // Ordered by file name, at least one; the last signs.
  const SigningKey& current() const { return keys.back(); }

  // Errors name the file: none in the directory, unreadable, mode not 0600, not a P-256 key.
  static absl::StatusOr<KeyRing> Load(const std::string& directory);
};

}  // namespace florin::crypto
