#include "services/auth/flow/password_login.h"

#include <utility>

#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/email.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

void CountLogin(const char* outcome) {
  telemetry::Count("florin_auth_logins_total", {{"outcome", outcome}});
}

}  // namespace

Task<absl::StatusOr<AccessToken>> PasswordLogin::Run(std::string email, std::string password,
                                                     std::string scope) {
  FLORIN_CO_RETURN_IF_ERROR(CheckScopes(scope));
  absl::StatusOr<std::optional<User>> user = co_await Find(std::move(email));
  if (!user.ok()) co_return user.status();
  std::optional<std::string> hash;
  if (user->has_value()) hash = (*user)->password_hash;
  const absl::StatusOr<bool> matches = co_await hasher_.Verify(std::move(hash), password);
  if (!matches.ok()) co_return matches.status();
  if (!*matches) {
    CountLogin("refused");
    co_return Error(Reason::kInvalidCredentials, "unknown e-mail or wrong password");
  }
  const absl::StatusOr<Roles> roles = co_await roles_.RolesOf((*user)->user_id);
  if (!roles.ok()) co_return roles.status();
  FLORIN_CO_ASSIGN_OR_RETURN(std::string granted, GrantScopes(scope, *roles));
  CountLogin("granted");
  if (hasher_.NeedsRehash((*user)->password_hash)) co_await Rehash(**user, std::move(password));
  AccessToken token;
  token.token = Sign(**user, granted);
  token.scope = std::move(granted);
  co_return token;
}

Task<absl::StatusOr<std::optional<User>>> PasswordLogin::Find(std::string email) {
  absl::StatusOr<std::string> normalized = NormalizeEmail(email);
  if (!normalized.ok()) co_return std::nullopt;  // Nobody has such an address.
  co_return co_await store_.FindUserByEmail(*std::move(normalized));
}

// The user is in either way: if this fails, the next login tries again.
Task<void> PasswordLogin::Rehash(User user, std::string password) {
  absl::StatusOr<std::string> hash = co_await hasher_.Hash(std::move(password));
  if (!hash.ok()) co_return;
  const absl::StatusOr<bool> replaced = co_await store_.ReplacePasswordHash(
      user.user_id, std::move(user.password_hash), *std::move(hash));
  telemetry::Count("florin_auth_rehashes_total",
                   {{"outcome", replaced.ok() && *replaced ? "done" : "left"}});
}

std::string PasswordLogin::Sign(const User& user, const std::string& scope) {
  const absl::Time now = clock_.Now();
  const crypto::AccessTokenClaims claims = {
      .issuer = identity::kIssuer,
      .subject = FormatId(IdKind::kUser, user.user_id),
      .audience = identity::kAudience,
      .scope = scope,
      .token_id = FormatId(IdKind::kToken, ids_.NewId()),
      .issued_at = now,
      .expires_at = now + kAccessTokenLifetime,
  };
  return crypto::SignAccessToken(claims, keys_.current());
}

}  // namespace florin::auth
