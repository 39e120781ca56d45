// A pushed authorization request, from the page that shows it to the redirect that ends it. For the
// pages behind /oauth/authorize, which know who the user is.
//
//   1. GET /oauth/authorize?client_id=…&request_uri=…: Find(). On error show a page and redirect
//      nowhere: the redirect URI is not to be trusted.
//   2. Log the user in; ask for consent unless `first_party` or what is asked for was granted
//      before (OAuthStore::FindConsent). Record what was granted (RecordConsent) before Grant().
//   3. Grant() or Deny(), and answer 303 with the URL as Location.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

struct PendingAuthorization {
  std::string client_id;
  std::string client_name;
  bool first_party = false;         // Needs no consent.
  std::vector<std::string> scopes;  // Asked for, all of them the client's.
  std::string redirect_uri;         // For showing where the user goes next, e.g. its host.
  // OpenID Connect Core section 3.1.2.1. `prompt` has only values of none, login, consent and
  // select_account, `none` alone.
  std::vector<std::string> prompt;
  std::optional<absl::Duration> max_age;  // The oldest authentication that will do.
  std::string login_hint;
  std::vector<std::string> acr_values;  // In the order of preference.
  absl::Time expires_at;
};

// Who granted, and how they had proved who they are. The tokens say so.
struct GrantedBy {
  Uuid user_id;
  std::string session_id;        // `ses_…`; at most 64 characters
  absl::Time auth_time;          // Of the latest authentication.
  std::string acr;               // `urn:florin:acr:…`
  std::vector<std::string> amr;  // RFC 8176
  // Granted, a subset of those asked for, not empty.
  std::vector<std::string> scopes;
  audit::Origin origin = {};  // Of the request in which they did.
};

// Thread-safe. The arguments of the constructor outlive it.
class AuthorizationRequests {
 public:
  AuthorizationRequests(OAuthStore& store, Clock& clock, IdSource& ids, std::string issuer);

  // Changes nothing. Errors: kInvalidRequestUri, without saying which, if there is no such request,
  // it has expired or was used, it is another client's, or the client is disabled; kUnavailable.
  Task<absl::StatusOr<PendingAuthorization>> Find(std::string request_uri, std::string client_id);

  // Uses the request up and gives the URL to redirect to, with `code` (which redeems within sixty
  // seconds), `state` and `iss` (RFC 9207). In the audit trail as auth.grant.create. Of several
  // calls for one request one succeeds, Deny() included. Errors: as Find(); kInvalidScope for
  // scopes that were not asked for, or none.
  Task<absl::StatusOr<std::string>> Grant(std::string request_uri, std::string client_id,
                                          GrantedBy granted_by);

  // The same with `error` instead of a code: access_denied, or login_required,
  // consent_required, interaction_required, unmet_authentication_requirements of OpenID Connect.
  // `error` is not checked: pass constants.
  Task<absl::StatusOr<std::string>> Deny(std::string request_uri, std::string client_id,
                                         std::string error);

 private:
  Task<absl::StatusOr<PushedRequest>> FindPushed(std::string request_uri, std::string client_id);

  OAuthStore& store_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
