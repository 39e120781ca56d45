// Symmetric keys of one purpose, rotated without losing what the older ones made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::crypto {

// The keys of a file, each `ID KEY` on a line of its own: an id of 1 to 16 characters [a-z0-9] and
// 32 octets in base64url. The first line is the current key; the others only open what they made.
// To rotate, put a new line first. Value type; the keys are cleansed from memory at its end.
class SecretKeys {
 public:
  struct Key {
    std::string id;
    std::string octets;
  };

  // Errors: kInvalidField, without contents.
  static absl::StatusOr<SecretKeys> Parse(std::string_view text);
  // Of a file of mode 0600 (secret_file.h); the error names it.
  static absl::StatusOr<SecretKeys> Load(const std::string& path);

  ~SecretKeys();
  SecretKeys(const SecretKeys&) = default;
  SecretKeys(SecretKeys&&) = default;
  SecretKeys& operator=(const SecretKeys&) = delete;

  const Key& current() const { return keys_.front(); }
  // nullptr if there is no such key.
  const Key* Find(std::string_view id) const;

 private:
  SecretKeys() = default;
  std::vector<Key> keys_;  // At least one.
};

// HMAC (RFC 2104) with SHA-256: 32 octets.
std::string HmacSha256(std::string_view key, std::string_view message);

}  // namespace florin::crypto
