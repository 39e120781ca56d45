#include "services/auth/flow/own_token_authenticator.h"

#include <optional>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"

namespace florin::auth {

Task<absl::StatusOr<rpc::Principal>> OwnTokenAuthenticator::Authenticate(std::string token) {
  const std::vector<crypto::VerificationKey> keys = keys_.published();
  const crypto::KeyLookup lookup =
      [&keys](std::string_view kid) -> std::optional<crypto::VerificationKey> {
    for (const crypto::VerificationKey& key : keys) {
      if (key.kid() == kid) return key;
    }
    return std::nullopt;
  };
  const crypto::TokenExpectations expect = {.issuer = issuer_, .audience = identity::kAudience};
  FLORIN_CO_ASSIGN_OR_RETURN(const crypto::AccessTokenClaims claims,
                             crypto::VerifyAccessToken(token, lookup, expect, clock_.Now()));
  rpc::Principal principal;
  principal.user_id = claims.subject;
  principal.scopes = absl::StrSplit(claims.scope, ' ', absl::SkipEmpty());
  principal.token_id = claims.token_id;
  principal.client_id = claims.client_id;
  principal.auth_time = claims.auth_time.value_or(absl::InfinitePast());
  principal.acr = claims.acr;
  co_return principal;
}

}  // namespace florin::auth
