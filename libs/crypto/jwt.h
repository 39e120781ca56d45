// Access tokens (RFC 9068) and ID tokens (OpenID Connect Core section 2): JSON Web Tokens signed
// with ES256 by auth. The `typ` of one is never that of the other, so neither passes for the other.
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

// Who may use a token (RFC 7800): at most one of the two is set, neither for a bearer token.
struct Confirmation {
  std::string key_thumbprint;          // cnf.jkt (RFC 9449 section 6.1)
  std::string certificate_thumbprint;  // cnf."x5t#S256" (RFC 8705 section 3.1)

  bool empty() const { return key_thumbprint.empty() && certificate_thumbprint.empty(); }
  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// Members without a value (an empty string, no time) are left out of the token.
struct AccessTokenClaims {
  std::string issuer;                   // iss
  std::string subject;                  // sub: `usr_…`; a client's own token has its client_id
  std::string audience;                 // aud
  std::string scope;                    // scope: space separated
  std::string token_id;                 // jti
  absl::Time issued_at;                 // iat, nbf
  absl::Time expires_at;                // exp
  std::string client_id = {};           // client_id
  std::optional<absl::Time> auth_time;  // auth_time: when the user last proved who they are
  std::string acr = {};                 // acr: `urn:florin:acr:…`
  std::vector<std::string> amr = {};    // amr (RFC 8176)
  Confirmation confirmation = {};       // cnf
  std::string session_id = {};          // sid: `ses_…`
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
// Strict: no white space, no padding, at most 4096 characters, no duplicate members; a claim that
// is there has its type, and `cnf` exactly one member that we know, so that a binding of a kind
// unknown here is not taken for none. Errors: kTokenInvalid, kTokenExpired.
absl::StatusOr<AccessTokenClaims> VerifyAccessToken(std::string_view token, const KeyLookup& keys,
                                                    const TokenExpectations& expect,
                                                    absl::Time now);

// The `kid` of a token's header, before any verification: to fetch keys. Error: kTokenInvalid.
absl::StatusOr<std::string> UnverifiedKeyId(std::string_view token);

struct IdTokenClaims {
  std::string issuer;     // iss
  std::string subject;    // sub: `usr_…`
  std::string audience;   // aud: the client_id
  absl::Time issued_at;   // iat
  absl::Time expires_at;  // exp
  absl::Time auth_time;   // auth_time
  std::string nonce;      // nonce, as the client sent it; left out if empty
  std::string acr;        // acr
  std::vector<std::string> amr;
  std::string session_id;    // sid
  std::string access_token;  // Not in it: at_hash is made from it (section 3.1.3.6).
};

// Header {"alg":"ES256","kid":…,"typ":"JWT"}.
std::string SignIdToken(const IdTokenClaims& claims, const SigningKey& key);

}  // namespace florin::crypto
