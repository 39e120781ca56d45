// Logins that people make in a browser, step by step (domain/login_flow.h), for the pages.
//
// A login is known by the secret of a cookie. Each step that goes well gives a new secret, and the
// old one is void, so that a cookie which somebody planted is worth nothing after the first step.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/login_flow.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/authorization.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/sessions.h"
#include "services/auth/store/login_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// A pushed request, as an app names it. Both empty: nobody sent the person here.
struct AppRequest {
  std::string request_uri;
  std::string client_id;
};

// The browser that a step comes from.
struct LoginBrowser {
  Browser browser;
  std::string device;   // Value of its device cookie; empty if it has none.
  std::string session;  // Value of its session cookie; empty if it has none.
};

// What a step led to.
struct LoginProgress {
  std::string secret;  // Of the login's cookie from now on; empty: it is over.
  Login login;
  std::optional<OpenSession> session;  // Its user is logged in now.
  std::string device;                  // A new value for the device's cookie; empty: as it is.
  std::string redirect;  // To the app; empty: to the page of the step, or the account.
};

// What an app's request led to when it arrived.
struct OpenedRequest {
  Opening opening;
  std::string secret;    // Of a login's cookie; empty where no page is needed.
  std::string redirect;  // To the app, where no page is needed.
};

// Thread-safe. The arguments of the constructor outlive it. Errors of all methods besides those
// named: kUnavailable, kInternal, kOverloaded; kInvalidRequestUri if the app's request is gone.
class Logins {
 public:
  struct Parts {
    LoginStore& store;
    Sessions& sessions;
    Authenticators& authenticators;
    AuthorizationRequests& requests;
    OAuthStore& oauth;
    RegisterUser& register_user;
    RoleStore& roles;
    Clock& clock;
  };
  explicit Logins(Parts parts) : parts_(parts) {}

  // An app's request in a browser with this session (nothing: none that is active).
  Task<absl::StatusOr<OpenedRequest>> Open(AppRequest app, std::optional<Session> session,
                                           LoginBrowser from);

  // A login for the account's own pages. Gives the secret of its cookie.
  Task<absl::StatusOr<std::string>> Begin();

  // From the first step anew, for the same app. Gives the secret. Error: kLoginExpired.
  Task<absl::StatusOr<std::string>> Restart(std::string secret);

  // Error: kLoginExpired if there is none under this secret, or it is over.
  Task<absl::StatusOr<Login>> Find(std::string secret);

  // Starts a passkey ceremony for the page that is shown next, and gives the JSON for the browser.
  Task<absl::StatusOr<std::string>> OfferPasskey(std::string secret);

  // The steps. Errors: kInvalidCredentials, whatever was wrong; kLoginExpired and
  // kLoginStepInvalid; kStrongerFactorNeeded.
  Task<absl::StatusOr<LoginProgress>> ShowPassword(std::string secret, std::string email,
                                                   std::string password, LoginBrowser from);
  Task<absl::StatusOr<LoginProgress>> ShowTotp(std::string secret, std::string code,
                                               LoginBrowser from);
  Task<absl::StatusOr<LoginProgress>> ShowRecoveryCode(std::string secret, std::string code,
                                                       LoginBrowser from);
  Task<absl::StatusOr<LoginProgress>> ShowPasskey(std::string secret, std::string credential,
                                                  LoginBrowser from);
  // Makes the user and takes the password as shown. Errors: those of RegisterUser.
  Task<absl::StatusOr<LoginProgress>> SignUp(std::string secret, std::string email,
                                             std::string password, LoginBrowser from);
  // `session`: the browser's, active. It must be of the login's user.
  Task<absl::StatusOr<LoginProgress>> Decide(std::string secret, bool allowed, Session session,
                                             LoginBrowser from);

  // The app's request behind a login; nothing for a login of the account's own pages. Once the user
  // is known, its scopes are those that the user's roles give.
  Task<absl::StatusOr<std::optional<PendingAuthorization>>> RequestOf(Login login);

 private:
  Task<absl::StatusOr<PendingAuthorization>> NarrowedTo(Uuid user_id, PendingAuthorization pending);
  // The way back to the app: with a code, or without one if the user has none of the scopes.
  Task<absl::StatusOr<std::string>> Answer(AppRequest app, Session session,
                                           PendingAuthorization pending, LoginBrowser from);
  // What the machine must know, of this user and this app.
  Task<absl::StatusOr<LoginFacts>> FactsOf(Uuid user_id, Login login);
  Task<absl::StatusOr<LoginFacts>> FactsOf(Uuid user_id, PendingAuthorization pending);
  Task<absl::StatusOr<LoginProgress>> Step(std::string secret, Login login, LoginEvent event,
                                           Uuid user_id, LoginBrowser from);
  Task<absl::Status> StartSession(LoginProgress& progress, LoginBrowser from);
  Task<absl::Status> Finish(LoginProgress& progress, Session session, LoginBrowser from);
  Task<absl::StatusOr<std::string>> Keep(Login login);

  Parts parts_;
};

}  // namespace florin::auth
