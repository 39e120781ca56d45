#include "services/auth/flow/token_status.h"

#include "libs/identity/token_authenticator.h"
#include "libs/ids/ids.h"
#include "services/auth/domain/scope.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/pushed_authorization.h"
#include "services/auth/flow/token_grants.h"

namespace florin::auth {
namespace {

constexpr int kMostRevoked = 10'000;

}  // namespace

std::optional<crypto::AccessTokenClaims> TokenStatus::ReadAccessToken(
    const Client& client, const std::string& token) const {
  const std::vector<crypto::VerificationKey> keys = keys_.published();
  const crypto::KeyLookup lookup =
      [&keys](std::string_view kid) -> std::optional<crypto::VerificationKey> {
    for (const crypto::VerificationKey& key : keys) {
      if (key.kid() == kid) return key;
    }
    return std::nullopt;
  };
  const crypto::TokenExpectations expect = {.issuer = issuer_, .audience = identity::kAudience};
  auto claims = crypto::VerifyAccessToken(token, lookup, expect, clock_.Now());
  if (!claims.ok() || claims->client_id != client.client_id) return std::nullopt;
  return *std::move(claims);
}

Task<absl::StatusOr<std::optional<TokenStatus::Refreshing>>> TokenStatus::FindRefreshToken(
    Client client, std::string token) {
  absl::StatusOr<std::optional<RefreshToken>> found =
      co_await store_.FindRefreshToken(DigestOf(token));
  if (!found.ok()) co_return found.status();
  if (!found->has_value()) co_return std::nullopt;
  absl::StatusOr<std::optional<Grant>> grant = co_await store_.FindGrant((*found)->grant_id);
  if (!grant.ok()) co_return grant.status();
  if (!grant->has_value() || (*grant)->client_id != client.client_id) co_return std::nullopt;
  Refreshing refreshing;
  refreshing.token = **std::move(found);
  refreshing.grant = **std::move(grant);
  co_return refreshing;
}

Task<absl::Status> TokenStatus::Revoke(Client client, std::string token, audit::Origin origin) {
  audit::Event event = NewEvent(clock_, ids_, "auth.token.revoke", std::move(origin));
  event.actor = client.client_id;
  if (token.starts_with(kRefreshTokenPrefix)) {
    const absl::StatusOr<std::optional<Refreshing>> found =
        co_await FindRefreshToken(std::move(client), std::move(token));
    if (!found.ok()) co_return found.status();
    if (!found->has_value()) co_return absl::OkStatus();
    const Grant& grant = (*found)->grant;
    event.on_behalf_of = FormatId(IdKind::kUser, grant.user_id);
    event.details["grant_id"] = grant.grant_id.ToString();
    const auto revoked =
        co_await store_.RevokeGrant(grant.grant_id, clock_.Now(), std::move(event));
    co_return revoked.status();
  }
  const std::optional<crypto::AccessTokenClaims> claims = ReadAccessToken(client, token);
  if (!claims) co_return absl::OkStatus();
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kToken, claims->token_id, "jti");
  if (!id.ok()) co_return absl::OkStatus();
  event.subject = claims->token_id;
  const auto revoked = co_await store_.RevokeAccessToken(*id, clock_.Now(), std::move(event));
  co_return revoked.status();
}

Task<absl::StatusOr<std::vector<std::string>>> TokenStatus::ListRevoked() {
  const absl::StatusOr<std::vector<Uuid>> ids =
      co_await store_.ListRevokedAccessTokens(clock_.Now(), kMostRevoked);
  if (!ids.ok()) co_return ids.status();
  std::vector<std::string> tokens;
  tokens.reserve(ids->size());
  for (const Uuid& id : *ids) tokens.push_back(FormatId(IdKind::kToken, id));
  co_return tokens;
}

Task<absl::StatusOr<std::optional<TokenFacts>>> TokenStatus::Introspect(Client client,
                                                                        std::string token) {
  TokenFacts facts;
  if (token.starts_with(kRefreshTokenPrefix)) {
    const absl::StatusOr<std::optional<Refreshing>> found =
        co_await FindRefreshToken(std::move(client), std::move(token));
    if (!found.ok()) co_return found.status();
    if (!found->has_value() || (*found)->grant.revoke_time ||
        DecideRefresh((*found)->token.state, clock_.Now()) != RefreshDecision::kUse) {
      co_return std::nullopt;
    }
    const Grant& grant = (*found)->grant;
    facts.is_refresh_token = true;
    facts.claims.issuer = issuer_;
    facts.claims.subject = FormatId(IdKind::kUser, grant.user_id);
    facts.claims.scope = JoinScopes(grant.scopes);
    facts.claims.client_id = grant.client_id;
    facts.claims.issued_at = (*found)->token.state.used_at;
    facts.claims.expires_at = (*found)->token.state.expires_at;
    facts.claims.confirmation.key_thumbprint = (*found)->token.key_thumbprint;
    facts.claims.confirmation.certificate_thumbprint = (*found)->token.certificate_thumbprint;
    co_return facts;
  }
  std::optional<crypto::AccessTokenClaims> claims = ReadAccessToken(client, token);
  if (!claims) co_return std::nullopt;
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kToken, claims->token_id, "jti");
  if (!id.ok()) co_return std::nullopt;
  const absl::StatusOr<std::optional<IssuedAccessToken>> issued =
      co_await store_.FindAccessToken(*id);
  if (!issued.ok()) co_return issued.status();
  if (!issued->has_value() || (*issued)->revoked) co_return std::nullopt;
  facts.claims = *std::move(claims);
  co_return facts;
}

}  // namespace florin::auth
