// The grants of the token endpoint (RFC 6749 sections 4.1.3, 4.4 and 6, as FAPI 2.0 has them).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/recorder.h"
#include "libs/clock/clock.h"
#include "libs/crypto/jwt.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/store/oauth_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

inline constexpr absl::Duration kOAuthAccessTokenLifetime = absl::Minutes(5);
inline constexpr std::string_view kRefreshTokenPrefix = "flr_";

struct IssuedTokens {
  std::string access_token;
  std::string token_type;  // `DPoP` or `Bearer`
  std::string scope;
  std::string refresh_token;  // Empty: none, or the client keeps the one that it has.
  std::string id_token;       // Empty: none.
};

// Thread-safe. The arguments of the constructor outlive it.
class TokenGrants {
 public:
  TokenGrants(OAuthStore& store, RoleStore& roles, const SigningKeys& keys, audit::Recorder& audit,
              Clock& clock, IdSource& ids, std::string issuer)
      : store_(store),
        roles_(roles),
        keys_(keys),
        audit_(audit),
        clock_(clock),
        ids_(ids),
        issuer_(std::move(issuer)) {}

  // What `client`, which is authenticated, gets for `parameters`, bound to `confirmation`. Errors:
  // kInvalidRequest, kUnsupportedGrantType, kUnauthorizedClient, kInvalidScope, kUnavailable;
  // kInvalidGrant for a code or a refresh token that is not good, or another client's, without
  // saying why. A code that is redeemed again, and a refresh token that is used after its
  // replacement, revoke their grant and count florin_auth_code_reuse_total and
  // florin_auth_refresh_reuse_total. What was issued and what was refused is in the audit trail as
  // auth.token.issue.
  //
  // Whatever was granted once, a token has those scopes only that the user's roles give at this
  // moment, and a client that acts for itself those that every customer has. kInvalidScope if that
  // leaves none, or less than what is asked for.
  Task<absl::StatusOr<IssuedTokens>> Run(Client client, Parameters parameters,
                                         crypto::Confirmation confirmation,
                                         audit::Origin origin = {});

 private:
  Task<absl::StatusOr<IssuedTokens>> RedeemCode(Client client, Parameters parameters,
                                                crypto::Confirmation confirmation,
                                                audit::Event& event);
  Task<absl::StatusOr<IssuedTokens>> Refresh(Client client, Parameters parameters,
                                             crypto::Confirmation confirmation,
                                             audit::Event& event);
  Task<absl::StatusOr<IssuedTokens>> ActForItself(Client client, Parameters parameters,
                                                  crypto::Confirmation confirmation,
                                                  audit::Event& event);
  // The grant, if it is `client`'s and not revoked; else kInvalidGrant.
  Task<absl::StatusOr<Grant>> FindGrant(Uuid grant_id, std::string client_id);

  // What is left of the grant by its user's roles now.
  Task<absl::StatusOr<std::vector<std::string>>> PresentScopesOf(const Grant& grant);

  // An access token that says what `claims` says already, and who issued it when.
  IssuedTokens Sign(crypto::AccessTokenClaims claims, const Uuid& token_id, absl::Time now) const;
  std::string SignId(const Grant& grant, const std::string& access_token, absl::Time now) const;
  IssuedAccessToken NewAccessToken(const Client& client, absl::Time now) const;

  OAuthStore& store_;
  RoleStore& roles_;
  const SigningKeys& keys_;
  audit::Recorder& audit_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
