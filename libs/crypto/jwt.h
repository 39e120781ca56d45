// Access tokens: JSON Web Tokens in JWS compact form (RFC 7519, RFC 7515, RFC 9068), ES256 only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/status.h"

namespace florin::crypto {

struct AccessTokenClaims {
  std::string issuer;                   // iss
  std::string subject;                  // sub: `usr_…`
  std::string audience;                 // aud
  std::string scope;                    // scope: space separated
  std::string token_id;                 // jti
  absl::Time issued_at;                 // iat, nbf
  absl::Time expires_at;                // exp
  std::optional<absl::Time> auth_time;  // auth_time: when the user last proved who they are
  std::string acr = {};                 // acr: `urn:florin:acr:…`
  std::vector<std::string> amr = {};    // amr (RFC 8176); written, not read
};

// Header {"alg":"ES256","kid":…,"typ":"at+jwt"}.
std::string SignAccessToken(const AccessTokenClaims& claims, const SigningKey& key);

struct TokenExpectations {
  std::string issuer;
  std::string audience;
  absl::Duration skew =
      absl::Seconds(10);  // Tolerated for iat and nbf in the future; none for exp.
};

// The key with this id, or nothing if no such key is known.
using KeyLookup = std::function<std::optional<VerificationKey>(std::string_view kid)>;

// Checks form, header (exactly alg ES256, kid and typ at+jwt; so none of crit, jku, jwk, x5u, x5c),
// signature, issuer, audience and times. The algorithm is the key's, never the header's choice.
// Strict: no white space, no padding, at most 4096 characters, no duplicate members. Errors:
// kTokenInvalid, kTokenExpired.
absl::StatusOr<AccessTokenClaims> VerifyAccessToken(std::string_view token, const KeyLookup& keys,
                                                    const TokenExpectations& expect,
                                                    absl::Time now);

// The `kid` of a token's header, before any verification: to fetch keys. Error: kTokenInvalid.
absl::StatusOr<std::string> UnverifiedKeyId(std::string_view token);

}  // namespace florin::crypto
