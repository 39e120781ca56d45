// OAuth's store in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

class PgOAuthStore : public OAuthStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgOAuthStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<Client>> RegisterClient(Client client, audit::Event event) override;
  Task<absl::StatusOr<std::optional<Client>>> FindClient(std::string client_id) override;
  Task<absl::StatusOr<std::vector<Client>>> ListClients(std::string after, int limit) override;
  Task<absl::StatusOr<std::vector<std::string>>> ListCorsOrigins() override;
  Task<absl::StatusOr<std::optional<Client>>> DisableClient(std::string client_id, absl::Time now,
                                                            audit::Event event) override;
  Task<absl::StatusOr<bool>> UseAssertion(std::string client_id, std::string jti, Uuid attempt,
                                          absl::Time expires_at) override;
  Task<absl::StatusOr<bool>> PushRequest(PushedRequest request) override;
  Task<absl::StatusOr<std::optional<PushedRequest>>> FindRequest(crypto::Digest request_uri,
                                                                 std::string client_id,
                                                                 absl::Time now) override;
  Task<absl::StatusOr<bool>> HoldRequest(crypto::Digest request_uri, std::string client_id,
                                         absl::Time now, absl::Time until) override;
  Task<absl::StatusOr<bool>> GrantRequest(crypto::Digest request_uri, Grant grant, Code code,
                                          audit::Event event) override;
  Task<absl::StatusOr<bool>> DenyRequest(crypto::Digest request_uri, std::string client_id,
                                         Uuid attempt, absl::Time now) override;
  Task<absl::StatusOr<std::optional<Consent>>> FindConsent(Uuid user_id,
                                                           std::string client_id) override;
  Task<absl::StatusOr<bool>> RecordConsent(Consent consent) override;
  Task<absl::StatusOr<bool>> RevokeConsent(Uuid user_id, std::string client_id, absl::Time now,
                                           audit::Event event) override;
  Task<absl::StatusOr<std::vector<Grant>>> ListGrants(Uuid user_id, absl::Time since) override;
  Task<absl::StatusOr<std::optional<Code>>> FindCode(crypto::Digest code) override;
  Task<absl::StatusOr<std::optional<Grant>>> FindGrant(Uuid grant_id) override;
  Task<absl::StatusOr<Redemption>> RedeemCode(crypto::Digest code, IssuedAccessToken access,
                                              std::optional<RefreshToken> refresh, absl::Time now,
                                              audit::Event event) override;
  Task<absl::StatusOr<std::optional<RefreshToken>>> FindRefreshToken(crypto::Digest token) override;
  Task<absl::StatusOr<Redemption>> UseRefreshToken(crypto::Digest token, IssuedAccessToken access,
                                                   std::optional<RefreshToken> next, absl::Time now,
                                                   audit::Event event) override;
  Task<absl::StatusOr<bool>> KeepAccessToken(IssuedAccessToken access, audit::Event event) override;
  Task<absl::StatusOr<std::optional<IssuedAccessToken>>> FindAccessToken(Uuid token_id) override;
  Task<absl::StatusOr<bool>> RevokeAccessToken(Uuid token_id, absl::Time now,
                                               audit::Event event) override;
  Task<absl::StatusOr<bool>> RevokeGrant(Uuid grant_id, absl::Time now,
                                         audit::Event event) override;
  Task<absl::StatusOr<int>> RevokeSession(std::string session_id, absl::Time now) override;
  Task<absl::StatusOr<int>> RevokeUser(Uuid user_id, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Uuid>>> ListRevokedAccessTokens(absl::Time now,
                                                                  int limit) override;
  Task<absl::StatusOr<int>> DeleteExpired(absl::Time now, int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
