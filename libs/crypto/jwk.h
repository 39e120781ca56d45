// Public keys of others, as JSON Web Keys (RFC 7517): those of OAuth clients and of DPoP proofs.
//
// Three kinds, with one algorithm each, so that a key says how it is used and a signature never
// does (RFC 8725 section 3.1):
//   EC, P-256      ES256   RFC 7518 section 3.4
//   RSA            PS256   RFC 7518 section 3.5; 2048 to 4096 bits, salt of 32 octets
//   OKP, Ed25519   EdDSA   RFC 8037 section 3.1
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypto/json_members.h"
#include "libs/status/status.h"

namespace florin::crypto {

// The algorithms, in the order in which metadata lists them.
inline constexpr std::string_view kJwsAlgorithms[] = {"ES256", "PS256", "EdDSA"};

// Immutable, thread-safe, cheap to copy.
class PublicJwk {
 public:
  // Error: kInvalidField for anything but one key of the three kinds: other members than kty, crv,
  // x, y, n, e, alg, kid, use, key_ops and ext (so the private ones, x5c, x5u), an `alg` that is
  // not the kind's, a `use` other than `sig`, encodings that are not canonical, a point that is not
  // on its curve.
  static absl::StatusOr<PublicJwk> FromMembers(const JsonMembers& members);
  static absl::StatusOr<PublicJwk> Parse(std::string_view json);

  const std::string& algorithm() const;   // As kJwsAlgorithms has it.
  const std::string& kid() const;         // As the key itself has it; empty if it has none.
  const std::string& thumbprint() const;  // RFC 7638, SHA-256, base64url

  bool Verify(std::string_view message, std::string_view signature) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// A JSON Web Key Set of one to eight keys (RFC 7517 section 5), strictly: one bad key spoils it.
// Several keys need a `kid` each, all different. Error: kInvalidField.
absl::StatusOr<std::vector<PublicJwk>> ParseJwkSet(std::string_view json);

}  // namespace florin::crypto
