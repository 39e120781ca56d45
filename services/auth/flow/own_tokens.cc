#include "services/auth/flow/own_tokens.h"

#include <optional>

#include "absl/strings/str_split.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"

namespace florin::auth {

Task<absl::StatusOr<rpc::Principal>> OwnTokens::Authenticate(std::string token) {
  const std::vector<crypto::VerificationKey> published = keys_.published();
  const crypto::KeyLookup lookup =
      [&published](std::string_view kid) -> std::optional<crypto::VerificationKey> {
    for (const crypto::VerificationKey& key : published) {
      if (key.kid() == kid) return key;
    }
    return std::nullopt;
  };
  const crypto::TokenExpectations expect = {.issuer = identity::kIssuer,
                                            .audience = identity::kAudience};
  FLORIN_CO_ASSIGN_OR_RETURN(const crypto::AccessTokenClaims claims,
                             crypto::VerifyAccessToken(token, lookup, expect, clock_.Now()));
  rpc::Principal principal;
  principal.user_id = claims.subject;
  principal.scopes = absl::StrSplit(claims.scope, ' ', absl::SkipEmpty());
  principal.token_id = claims.token_id;
  co_return principal;
}

}  // namespace florin::auth
