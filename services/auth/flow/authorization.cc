#include "services/auth/flow/authorization.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"
#include "services/auth/domain/scope.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/pushed_authorization.h"

namespace florin::auth {
namespace {

// FAPI 2.0 Security Profile section 5.3.2.1: at most sixty seconds.
constexpr absl::Duration kCodeLifetime = absl::Seconds(60);
constexpr std::size_t kSecretOctets = 32;

absl::Status NoRequest() {
  return Error(Reason::kInvalidRequestUri, "no such authorization request, or not any more");
}

std::string PercentEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(octet) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "%%%02X", octet);
    }
  }
  return out;
}

// The client's redirect URI with the answer; a query that it has stays (RFC 6749 section 3.1.2).
std::string RedirectUrl(const AuthorizationRequest& request, std::string_view name,
                        std::string_view value, const std::string& issuer) {
  std::string url =
      absl::StrCat(request.redirect_uri, absl::StrContains(request.redirect_uri, "?") ? "&" : "?",
                   absl::string_view(name.data(), name.size()), "=", PercentEncode(value));
  if (!request.state.empty()) absl::StrAppend(&url, "&state=", PercentEncode(request.state));
  absl::StrAppend(&url, "&iss=", PercentEncode(issuer));
  return url;
}

absl::Status CheckScopes(const std::vector<std::string>& granted,
                         const std::vector<std::string>& asked) {
  const bool subset = std::all_of(granted.begin(), granted.end(), [&](const std::string& scope) {
    return std::find(asked.begin(), asked.end(), scope) != asked.end();
  });
  if (granted.empty() || !subset) {
    return Error(Reason::kInvalidScope, "some of the scopes that were asked for, and no others");
  }
  return absl::OkStatus();
}

}  // namespace

AuthorizationRequests::AuthorizationRequests(OAuthStore& store, Clock& clock, IdSource& ids,
                                             std::string issuer)
    : store_(store), clock_(clock), ids_(ids), issuer_(std::move(issuer)) {}

Task<absl::StatusOr<PushedRequest>> AuthorizationRequests::FindPushed(std::string request_uri,
                                                                      std::string client_id) {
  absl::StatusOr<std::optional<PushedRequest>> pushed =
      co_await store_.FindRequest(DigestOf(request_uri), std::move(client_id), clock_.Now());
  if (!pushed.ok()) co_return pushed.status();
  if (!pushed->has_value()) co_return NoRequest();
  co_return **std::move(pushed);
}

Task<absl::StatusOr<PendingAuthorization>> AuthorizationRequests::Find(std::string request_uri,
                                                                       std::string client_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(const PushedRequest pushed,
                             co_await FindPushed(std::move(request_uri), client_id));
  const absl::StatusOr<std::optional<Client>> client = co_await store_.FindClient(client_id);
  if (!client.ok()) co_return client.status();
  if (!client->has_value() || (*client)->disable_time) co_return NoRequest();
  const AuthorizationRequest& request = pushed.request;
  PendingAuthorization pending;
  pending.client_id = pushed.client_id;
  pending.client_name = (*client)->client_name;
  pending.first_party = (*client)->first_party;
  pending.scopes = request.scopes;
  pending.redirect_uri = request.redirect_uri;
  pending.prompt = request.prompt;
  pending.max_age = request.max_age;
  pending.login_hint = request.login_hint;
  pending.acr_values = request.acr_values;
  pending.expires_at = pushed.expires_at;
  co_return pending;
}

Task<absl::StatusOr<std::string>> AuthorizationRequests::Grant(std::string request_uri,
                                                               std::string client_id,
                                                               GrantedBy granted_by) {
  const absl::StatusOr<PendingAuthorization> pending = co_await Find(request_uri, client_id);
  if (!pending.ok()) co_return pending.status();
  FLORIN_CO_RETURN_IF_ERROR(CheckScopes(granted_by.scopes, pending->scopes));
  FLORIN_CO_ASSIGN_OR_RETURN(const PushedRequest pushed,
                             co_await FindPushed(std::move(request_uri), std::move(client_id)));
  const absl::Time now = InMicroseconds(clock_.Now());
  const std::string secret = crypto::Base64UrlEncode(crypto::RandomOctets(kSecretOctets));
  auth::Grant grant;
  grant.grant_id = ids_.NewId();
  grant.client_id = pushed.client_id;
  grant.user_id = granted_by.user_id;
  grant.session_id = std::move(granted_by.session_id);
  grant.auth_time = InMicroseconds(granted_by.auth_time);
  grant.acr = std::move(granted_by.acr);
  grant.amr = std::move(granted_by.amr);
  grant.scopes = std::move(granted_by.scopes);
  grant.nonce = pushed.request.nonce;
  grant.create_time = now;
  Code code;
  code.code = DigestOf(secret);
  code.grant_id = grant.grant_id;
  code.redirect_uri = pushed.request.redirect_uri;
  code.code_challenge = pushed.request.code_challenge;
  code.key_thumbprint = pushed.key_thumbprint;
  code.expires_at = now + kCodeLifetime;
  audit::Event event =
      UserEvent(clock_, ids_, "auth.grant.create", grant.user_id, std::move(granted_by.origin));
  event.subject = grant.client_id;
  event.details["grant_id"] = grant.grant_id.ToString();
  event.details["scope"] = JoinScopes(grant.scopes);
  const absl::StatusOr<bool> used = co_await store_.GrantRequest(
      pushed.request_uri, std::move(grant), std::move(code), std::move(event));
  if (!used.ok()) co_return used.status();
  if (!*used) co_return NoRequest();
  co_return RedirectUrl(pushed.request, "code", secret, issuer_);
}

Task<absl::StatusOr<std::string>> AuthorizationRequests::Deny(std::string request_uri,
                                                              std::string client_id,
                                                              std::string error) {
  FLORIN_CO_ASSIGN_OR_RETURN(const PushedRequest pushed,
                             co_await FindPushed(std::move(request_uri), std::move(client_id)));
  const absl::StatusOr<bool> used =
      co_await store_.DenyRequest(pushed.request_uri, pushed.client_id, ids_.NewId(), clock_.Now());
  if (!used.ok()) co_return used.status();
  if (!*used) co_return NoRequest();
  co_return RedirectUrl(pushed.request, "error", error, issuer_);
}

}  // namespace florin::auth
