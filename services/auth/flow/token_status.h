// Whether a token that was issued is still good, and taking it back (RFC 7662, RFC 7009).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/crypto/jwt.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

// What introspection says of a good token. A refresh token has no token_id.
struct TokenFacts {
  crypto::AccessTokenClaims claims;
  bool is_refresh_token = false;
};

// Thread-safe. The arguments of the constructor outlive it.
class TokenStatus {
 public:
  TokenStatus(OAuthStore& store, const SigningKeys& keys, Clock& clock, IdSource& ids,
              std::string issuer)
      : store_(store), keys_(keys), clock_(clock), ids_(ids), issuer_(std::move(issuer)) {}

  // Takes back an access token, or a refresh token and with it its grant. OK also for what is no
  // token of this client's. Idempotent. In the audit trail as auth.token.revoke. Error:
  // kUnavailable.
  Task<absl::Status> Revoke(Client client, std::string token, audit::Origin origin = {});

  // Nothing if the token is not good, or not this client's. Error: kUnavailable.
  Task<absl::StatusOr<std::optional<TokenFacts>>> Introspect(Client client, std::string token);

  // `tok_…` of the access tokens that were taken back and have not expired. Error: kUnavailable.
  Task<absl::StatusOr<std::vector<std::string>>> ListRevoked();

 private:
  struct Refreshing {
    RefreshToken token;
    Grant grant;
  };
  // The access token's claims and the refresh token, if it is one, of this client's.
  std::optional<crypto::AccessTokenClaims> ReadAccessToken(const Client& client,
                                                           const std::string& token) const;
  Task<absl::StatusOr<std::optional<Refreshing>>> FindRefreshToken(Client client,
                                                                   std::string token);

  OAuthStore& store_;
  const SigningKeys& keys_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
