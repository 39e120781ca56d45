// JSON Web Signatures in compact form (RFC 7515 section 7.1), read as strictly as RFC 8725 asks.
//
// What a use of JWS allows is stated once, as a JwsForm; whatever it does not allow is refused: so
// no `crit`, `jku`, `x5u`, `x5c`, no unsecured ones, no white space, no padding, no duplicate
// members. The algorithm is the key's, and the header has to name the same one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypto/json_members.h"
#include "libs/crypto/jwk.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/status.h"

namespace florin::crypto {

// Where the header says which key signed.
enum class JwsKey {
  kNamed,          // `kid` is required.
  kNamedIfNeeded,  // `kid` is allowed.
  kEmbedded,       // `jwk` is required, `kid` refused: DPoP proofs only.
};

struct JwsForm {
  std::string_view type;  // `typ`, compared without regard to case (RFC 7515 section 4.1.9).
  bool type_may_be_absent = false;
  JwsKey key = JwsKey::kNamed;
  std::size_t longest = 4096;  // Octets of the whole.
};

// One that has the form, not verified.
class UnverifiedJws {
 public:
  // Error: kTokenInvalid.
  static absl::StatusOr<UnverifiedJws> Parse(std::string_view compact, const JwsForm& form);

  const std::string& algorithm() const { return algorithm_; }
  const std::string& kid() const { return kid_; }                        // Empty if there is none.
  const std::optional<PublicJwk>& embedded_key() const { return key_; }  // With kEmbedded.
  // `iss`, or whatever else tells whose keys to try. Not to be believed before Verify().
  const JsonMembers& unverified_payload() const { return payload_; }

  // The payload's members, if the key signed them. Error: kTokenInvalid.
  absl::StatusOr<JsonMembers> Verify(const PublicJwk& key) const;
  absl::StatusOr<JsonMembers> Verify(const VerificationKey& key) const;  // ES256

 private:
  std::string algorithm_;
  std::string kid_;
  std::optional<PublicJwk> key_;
  JsonMembers payload_;
  std::string signed_text_;
  std::string signature_;
};

// Signs `payload`, a JSON object, with the header {"alg":"ES256","kid":…,"typ":type}.
std::string SignJws(std::string_view type, std::string_view payload, const SigningKey& key);

}  // namespace florin::crypto
