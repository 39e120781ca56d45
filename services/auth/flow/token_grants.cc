#include "services/auth/flow/token_grants.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"
#include "libs/identity/token_authenticator.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/scope.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/pushed_authorization.h"

namespace florin::auth {
namespace {

constexpr std::size_t kSecretOctets = 32;

absl::Status NotGood() {
  return Error(Reason::kInvalidGrant, "the code or token is not good for this client");
}

// The parameter, which the grant type requires.
absl::StatusOr<std::string> Required(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  if (found != parameters.end()) return found->second;
  return Error(Reason::kInvalidRequest, absl::StrCat(name, " is required"), {.param = name});
}

// The scopes asked for, if they are among `most`; those if none are asked for.
absl::StatusOr<std::vector<std::string>> ScopesWithin(const Parameters& parameters,
                                                      const std::vector<std::string>& most) {
  const auto asked = parameters.find("scope");
  if (asked == parameters.end()) return most;
  FLORIN_ASSIGN_OR_RETURN(std::vector<std::string> scopes, SplitScopes(asked->second));
  for (const std::string& scope : scopes) {
    if (std::find(most.begin(), most.end(), scope) == most.end()) {
      return Error(Reason::kInvalidScope, "more than the client has", {.param = "scope"});
    }
  }
  return scopes;
}

absl::Status CheckSome(const std::vector<std::string>& scopes) {
  if (!scopes.empty()) return absl::OkStatus();
  return Error(Reason::kInvalidScope, "no scope is left to grant", {.param = "scope"});
}

// RFC 7636 section 4.6, S256.
bool Answers(const std::string& verifier, const std::string& challenge) {
  if (!IsCodeVerifier(verifier)) return false;
  const crypto::Digest digest = crypto::Sha256(verifier);
  return crypto::ConstantTimeEqual(crypto::Base64UrlEncode(crypto::AsOctets(digest)), challenge);
}

absl::Status CheckCode(const Code& code, const std::string& redirect_uri,
                       const std::string& verifier, const crypto::Confirmation& confirmation) {
  const bool good =
      code.redirect_uri == redirect_uri && Answers(verifier, code.code_challenge) &&
      (code.key_thumbprint.empty() || code.key_thumbprint == confirmation.key_thumbprint);
  return good ? absl::OkStatus() : NotGood();
}

// A refresh token is its client's key's, which protects those of public clients (RFC 9449 section
// 5) and makes those of confidential ones useless without the key as well.
bool IsBoundTo(const RefreshToken& token, const crypto::Confirmation& confirmation) {
  return token.key_thumbprint == confirmation.key_thumbprint &&
         token.certificate_thumbprint == confirmation.certificate_thumbprint;
}

std::string NewSecret(std::string_view prefix) {
  return absl::StrCat(absl::string_view(prefix.data(), prefix.size()),
                      crypto::Base64UrlEncode(crypto::RandomOctets(kSecretOctets)));
}

RefreshToken NewRefreshToken(const std::string& secret, const Grant& grant,
                             const crypto::Confirmation& confirmation, absl::Time now) {
  return {.token = DigestOf(secret),
          .grant_id = grant.grant_id,
          .key_thumbprint = confirmation.key_thumbprint,
          .certificate_thumbprint = confirmation.certificate_thumbprint,
          .state = {.used_at = now, .expires_at = grant.create_time + kRefreshLifetime}};
}

void CountReuse(const char* metric, const Client& client, const Grant& grant) {
  telemetry::Count(metric);
  telemetry::Log(telemetry::Severity::kWarning, "a secret was used twice, its grant is revoked",
                 {{"client", client.client_id}, {"grant", grant.grant_id.ToString()}});
}

// Whose grant it is that tokens are issued from.
void Describe(const Grant& grant, audit::Event& event) {
  event.on_behalf_of = FormatId(IdKind::kUser, grant.user_id);
  event.details["grant_id"] = grant.grant_id.ToString();
}

crypto::AccessTokenClaims ClaimsOf(const Grant& grant, const std::vector<std::string>& scopes,
                                   const crypto::Confirmation& confirmation) {
  crypto::AccessTokenClaims claims;
  claims.subject = FormatId(IdKind::kUser, grant.user_id);
  claims.scope = JoinScopes(scopes);
  claims.client_id = grant.client_id;
  claims.auth_time = grant.auth_time;
  claims.acr = grant.acr;
  claims.amr = grant.amr;
  claims.confirmation = confirmation;
  claims.session_id = grant.session_id;
  return claims;
}

}  // namespace

Task<absl::StatusOr<IssuedTokens>> TokenGrants::Run(Client client, Parameters parameters,
                                                    crypto::Confirmation confirmation,
                                                    audit::Origin origin) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string type, Required(parameters, "grant_type"));
  if (std::find(std::begin(kGrantTypes), std::end(kGrantTypes), type) == std::end(kGrantTypes)) {
    co_return Error(Reason::kUnsupportedGrantType, "there is no such grant type");
  }
  if (!client.Grants(type)) {
    co_return Error(Reason::kUnauthorizedClient, "the client is not registered for this grant");
  }
  audit::Event event = NewEvent(clock_, ids_, "auth.token.issue", std::move(origin));
  event.actor = client.client_id;
  event.details["grant_type"] = type;
  absl::StatusOr<IssuedTokens> tokens;
  if (type == kAuthorizationCode) {
    tokens = co_await RedeemCode(std::move(client), std::move(parameters), std::move(confirmation),
                                 event);
  } else if (type == kRefreshToken) {
    tokens =
        co_await Refresh(std::move(client), std::move(parameters), std::move(confirmation), event);
  } else {
    tokens = co_await ActForItself(std::move(client), std::move(parameters),
                                   std::move(confirmation), event);
  }
  telemetry::Count("florin_auth_token_requests_total",
                   {{"grant", type}, {"outcome", tokens.ok() ? "granted" : "refused"}});
  if (!tokens.ok() && audit::IsDecision(tokens.status())) {
    // What the store has recorded under this id already, a reuse, stays as it is.
    FLORIN_CO_RETURN_IF_ERROR(
        co_await audit_.Record(audit::Refuse(event, *ReasonOf(tokens.status()))));
  }
  co_return tokens;
}

Task<absl::StatusOr<Grant>> TokenGrants::FindGrant(Uuid grant_id, std::string client_id) {
  absl::StatusOr<std::optional<Grant>> grant = co_await store_.FindGrant(grant_id);
  if (!grant.ok()) co_return grant.status();
  if (!grant->has_value() || (*grant)->client_id != client_id) co_return NotGood();
  co_return **std::move(grant);
}

Task<absl::StatusOr<std::vector<std::string>>> TokenGrants::PresentScopesOf(const Grant& grant) {
  const absl::StatusOr<Roles> roles = co_await roles_.RolesOf(grant.user_id);
  if (!roles.ok()) co_return roles.status();
  co_return PresentScopes(grant.scopes, *roles);
}

Task<absl::StatusOr<IssuedTokens>> TokenGrants::RedeemCode(Client client, Parameters parameters,
                                                           crypto::Confirmation confirmation,
                                                           audit::Event& event) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string secret, Required(parameters, "code"));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string uri, Required(parameters, "redirect_uri"));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string verifier, Required(parameters, "code_verifier"));
  const absl::StatusOr<std::optional<Code>> code = co_await store_.FindCode(DigestOf(secret));
  if (!code.ok()) co_return code.status();
  if (!code->has_value()) co_return NotGood();
  FLORIN_CO_ASSIGN_OR_RETURN(const Grant grant,
                             co_await FindGrant((*code)->grant_id, client.client_id));
  Describe(grant, event);
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> scopes,
                             co_await PresentScopesOf(grant));
  // Of a code that was redeemed before, it matters that somebody has it, not what else they know.
  if (!(*code)->redeemed) {
    FLORIN_CO_RETURN_IF_ERROR(CheckCode(**code, uri, verifier, confirmation));
    FLORIN_CO_RETURN_IF_ERROR(CheckSome(scopes));
  }
  const absl::Time now = InMicroseconds(clock_.Now());
  IssuedAccessToken access = NewAccessToken(client, now);
  access.grant_id = grant.grant_id;
  event.subject = FormatId(IdKind::kToken, access.token_id);
  std::string refresh_secret;
  std::optional<RefreshToken> refresh;
  if (client.Grants(kRefreshToken)) {
    refresh_secret = NewSecret(kRefreshTokenPrefix);
    refresh = NewRefreshToken(refresh_secret, grant, confirmation, now);
  }
  const absl::StatusOr<Redemption> redemption =
      co_await store_.RedeemCode((*code)->code, access, std::move(refresh), now, event);
  if (!redemption.ok()) co_return redemption.status();
  if (*redemption == Redemption::kReused) CountReuse("florin_auth_code_reuse_total", client, grant);
  if (*redemption != Redemption::kDone) co_return NotGood();
  IssuedTokens tokens = Sign(ClaimsOf(grant, scopes, confirmation), access.token_id, now);
  tokens.refresh_token = std::move(refresh_secret);
  if (std::find(grant.scopes.begin(), grant.scopes.end(), kOpenIdScope) != grant.scopes.end()) {
    tokens.id_token = SignId(grant, tokens.access_token, now);
  }
  co_return tokens;
}

Task<absl::StatusOr<IssuedTokens>> TokenGrants::Refresh(Client client, Parameters parameters,
                                                        crypto::Confirmation confirmation,
                                                        audit::Event& event) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string secret, Required(parameters, "refresh_token"));
  const absl::StatusOr<std::optional<RefreshToken>> token =
      co_await store_.FindRefreshToken(DigestOf(secret));
  if (!token.ok()) co_return token.status();
  if (!token->has_value() || !IsBoundTo(**token, confirmation)) co_return NotGood();
  FLORIN_CO_ASSIGN_OR_RETURN(const Grant grant,
                             co_await FindGrant((*token)->grant_id, client.client_id));
  Describe(grant, event);
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> most, co_await PresentScopesOf(grant));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> scopes, ScopesWithin(parameters, most));
  FLORIN_CO_RETURN_IF_ERROR(CheckSome(scopes));
  const absl::Time now = InMicroseconds(clock_.Now());
  IssuedAccessToken access = NewAccessToken(client, now);
  access.grant_id = grant.grant_id;
  event.subject = FormatId(IdKind::kToken, access.token_id);
  std::string next_secret;
  std::optional<RefreshToken> next;
  if (client.type == ClientType::kPublic) {
    next_secret = NewSecret(kRefreshTokenPrefix);
    next = NewRefreshToken(next_secret, grant, confirmation, now);
  }
  const absl::StatusOr<Redemption> redemption =
      co_await store_.UseRefreshToken((*token)->token, access, std::move(next), now, event);
  if (!redemption.ok()) co_return redemption.status();
  if (*redemption == Redemption::kReused) {
    CountReuse("florin_auth_refresh_reuse_total", client, grant);
  }
  if (*redemption != Redemption::kDone) co_return NotGood();
  IssuedTokens tokens = Sign(ClaimsOf(grant, scopes, confirmation), access.token_id, now);
  tokens.refresh_token = std::move(next_secret);
  co_return tokens;
}

Task<absl::StatusOr<IssuedTokens>> TokenGrants::ActForItself(Client client, Parameters parameters,
                                                             crypto::Confirmation confirmation,
                                                             audit::Event& event) {
  // A client is nobody's merchant or operator.
  std::vector<std::string> most = PresentScopes(client.scopes, {});
  std::erase(most, kOpenIdScope);  // Nobody logged in.
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> scopes, ScopesWithin(parameters, most));
  FLORIN_CO_RETURN_IF_ERROR(CheckSome(scopes));
  const absl::Time now = InMicroseconds(clock_.Now());
  const IssuedAccessToken access = NewAccessToken(client, now);
  event.subject = FormatId(IdKind::kToken, access.token_id);
  const absl::StatusOr<bool> kept = co_await store_.KeepAccessToken(access, event);
  if (!kept.ok()) co_return kept.status();
  crypto::AccessTokenClaims claims;
  claims.subject = client.client_id;  // RFC 9068 section 2.2; never like a user's id.
  claims.scope = JoinScopes(scopes);
  claims.client_id = client.client_id;
  claims.confirmation = std::move(confirmation);
  co_return Sign(std::move(claims), access.token_id, now);
}

IssuedAccessToken TokenGrants::NewAccessToken(const Client& client, absl::Time now) const {
  return {.token_id = ids_.NewId(),
          .client_id = client.client_id,
          .expires_at = now + kOAuthAccessTokenLifetime};
}

IssuedTokens TokenGrants::Sign(crypto::AccessTokenClaims claims, const Uuid& token_id,
                               absl::Time now) const {
  claims.issuer = issuer_;
  claims.audience = identity::kAudience;
  claims.token_id = FormatId(IdKind::kToken, token_id);
  claims.issued_at = now;
  claims.expires_at = now + kOAuthAccessTokenLifetime;
  IssuedTokens tokens;
  tokens.access_token = crypto::SignAccessToken(claims, keys_.current());
  // RFC 9449 section 5; a token that is bound to a certificate is a bearer token by name (RFC 8705
  // section 3).
  tokens.token_type = claims.confirmation.key_thumbprint.empty() ? "Bearer" : "DPoP";
  tokens.scope = std::move(claims.scope);
  return tokens;
}

std::string TokenGrants::SignId(const Grant& grant, const std::string& access_token,
                                absl::Time now) const {
  crypto::IdTokenClaims claims;
  claims.issuer = issuer_;
  claims.subject = FormatId(IdKind::kUser, grant.user_id);
  claims.audience = grant.client_id;
  claims.issued_at = now;
  claims.expires_at = now + kOAuthAccessTokenLifetime;
  claims.auth_time = grant.auth_time;
  claims.nonce = grant.nonce;
  claims.acr = grant.acr;
  claims.amr = grant.amr;
  claims.session_id = grant.session_id;
  claims.access_token = access_token;
  return crypto::SignIdToken(claims, keys_.current());
}

}  // namespace florin::auth
