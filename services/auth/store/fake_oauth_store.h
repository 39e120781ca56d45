// OAuth's store in memory, for tests of what is built on it. Passes the same contract test as the
// real one.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/auth/store/oauth_store.h"

namespace florin::auth {

class FakeOAuthStore : public OAuthStore {
 public:
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
  // By whom it was used up, if it was.
  struct Request {
    PushedRequest pushed;
    std::optional<Uuid> used_by;
  };
  struct Redeemable {
    Code code;
    std::optional<Uuid> redeemed_by;
  };
  struct Used {
    Uuid attempt;
    absl::Time expires_at;
  };

  bool UseUp(const crypto::Digest& request_uri, const std::string& client_id, Uuid attempt,
             absl::Time now);
  bool IsRevoked(const IssuedAccessToken& token) const;
  template <class Which>
  int RevokeGrants(absl::Time now, Which which);
  void Keep(const IssuedAccessToken& access, const std::optional<RefreshToken>& refresh);

  std::mutex mutex_;  // Guards all below.
  std::map<std::string, Client> clients_;
  std::map<std::pair<std::string, std::string>, Used> assertions_;
  std::map<crypto::Digest, Request> requests_;
  std::map<std::pair<Uuid, std::string>, Consent> consents_;
  std::map<Uuid, Grant> grants_;
  std::map<crypto::Digest, Redeemable> codes_;
  std::map<crypto::Digest, RefreshToken> refresh_tokens_;
  std::map<Uuid, IssuedAccessToken> access_tokens_;
};

}  // namespace florin::auth
