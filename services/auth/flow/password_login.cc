#include "services/auth/flow/password_login.h"

#include <utility>

#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/client.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

void CountLogin(const char* outcome) {
  telemetry::Count("florin_auth_logins_total", {{"outcome", outcome}});
}

const char* NameOf(FactorKind kind) {
  switch (kind) {
    case FactorKind::kPasskey:
      return "passkey";
    case FactorKind::kTotp:
      return "totp_code";
    case FactorKind::kRecoveryCodes:
      return "recovery_code";
  }
  return "";
}

absl::Status SecondFactorRequired(const std::vector<FactorKind>& factors) {
  std::string names;
  for (const FactorKind kind : factors) {
    if (!names.empty()) names += ' ';
    names += NameOf(kind);
  }
  return Error(Reason::kSecondFactorRequired, "the user has a second factor",
               {.metadata = {{"factors", names}}});
}

}  // namespace

Task<absl::StatusOr<AccessToken>> PasswordLogin::Run(LoginRequest request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckScopes(request.scope));
  if (!request.totp_code.empty() && !request.recovery_code.empty()) {
    co_return Error(Reason::kInvalidField, "one code will do", {.param = "recovery_code"});
  }
  absl::StatusOr<VerifiedUser> user =
      co_await authenticators_.VerifyPassword(request.email, request.password, request.network);
  if (!user.ok()) {
    CountLogin("refused");
    co_return user.status();
  }
  const Uuid user_id = user->user_id;
  const std::string scope = request.scope;
  const absl::StatusOr<Proof> proof = co_await ProveMore(*std::move(user), std::move(request));
  if (!proof.ok()) {
    CountLogin(ReasonOf(proof.status()) == Reason::kSecondFactorRequired ? "asked" : "refused");
    co_return proof.status();
  }
  const absl::StatusOr<Roles> roles = co_await roles_.RolesOf(user_id);
  if (!roles.ok()) co_return roles.status();
  FLORIN_CO_ASSIGN_OR_RETURN(std::string granted, GrantScopes(scope, *roles));
  CountLogin("granted");
  AccessToken token;
  token.token = Sign(user_id, granted, *proof);
  token.scope = std::move(granted);
  co_return token;
}

Task<absl::StatusOr<PasswordLogin::Proof>> PasswordLogin::ProveMore(VerifiedUser user,
                                                                    LoginRequest request) {
  Proof proof;
  if (user.second_factors.empty()) {
    proof.acr = "urn:florin:acr:pwd";
    proof.amr = {"pwd"};
    co_return proof;
  }
  if (!request.totp_code.empty()) {
    const absl::StatusOr<Uuid> factor_id = co_await authenticators_.VerifyTotp(
        user.user_id, std::move(request.totp_code), std::move(request.network));
    if (!factor_id.ok()) co_return factor_id.status();
  } else if (!request.recovery_code.empty()) {
    const absl::StatusOr<int> left = co_await authenticators_.UseRecoveryCode(
        user.user_id, std::move(request.recovery_code), std::move(request.network));
    if (!left.ok()) co_return left.status();
  } else {
    co_return SecondFactorRequired(user.second_factors);
  }
  proof.acr = "urn:florin:acr:mfa";
  proof.amr = {"pwd", "otp", "mfa"};
  co_return proof;
}

std::string PasswordLogin::Sign(const Uuid& user_id, const std::string& scope, const Proof& proof) {
  const absl::Time now = clock_.Now();
  const crypto::AccessTokenClaims claims = {
      .issuer = issuer_,
      .subject = FormatId(IdKind::kUser, user_id),
      .audience = identity::kAudience,
      .scope = scope,
      .token_id = FormatId(IdKind::kToken, ids_.NewId()),
      .issued_at = now,
      .expires_at = now + kAccessTokenLifetime,
      .client_id = kFirstPartyClient,
      .auth_time = now,
      .acr = proof.acr,
      .amr = proof.amr,
  };
  return crypto::SignAccessToken(claims, keys_.current());
}

}  // namespace florin::auth
