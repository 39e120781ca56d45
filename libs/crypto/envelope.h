// Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a ring of keys.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "libs/crypto/secret_keys.h"
#include "libs/status/status.h"

namespace florin::crypto {

// Sealed octets are: length of the key id (one octet), the key id, a random nonce of 96 bits, the
// ciphertext, a tag of 128 bits. A key seals fewer than 2^32 values (SP 800-38D section 8.3), which
// is far more than there will be users. Thread-safe.
class DataKeys {
 public:
  explicit DataKeys(SecretKeys keys) : keys_(std::move(keys)) {}

  // `place`: where the value is kept, "schema.table.column.row". It is authenticated with the
  // value, so that a sealed value moved to another row or column does not open.
  std::string Seal(std::string_view secret, std::string_view place) const;
  // Error: kInternal for anything that Seal() did not make for that place under a key of the ring.
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view place) const;

 private:
  const SecretKeys keys_;
};

}  // namespace florin::crypto
