// florin.auth.v1.Pages over gRPC; proto/florin/auth/v1/pages.proto is its manual.
//
// Handlers read the exchange, call a flow, and render what came of it. Errors become pages that say
// what to do; nothing of a request is shown again unless it is escaped and the person's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "florin/auth/v1/pages.rpc.h"
#include "libs/clock/clock.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/logins.h"
#include "services/auth/flow/payment_approvals.h"
#include "services/auth/flow/sessions.h"
#include "services/auth/pages/login_views.h"
#include "services/auth/pages/web.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class PagesRpc : public v1::PagesService {
 public:
  struct Parts {
    Logins& logins;
    Sessions& sessions;
    Authenticators& authenticators;
    PaymentApprovals& approvals;
    OAuthStore& oauth;
    Clock& clock;
    IdSource& ids;
  };
  // `issuer`: the public base URL, whose origin forms have to come from.
  PagesRpc(Parts parts, std::string_view issuer);

  using Answer = Task<absl::StatusOr<WebResponse>>;
  Answer Authorize(rpc::Call& call, const WebRequest& request) override;
  Answer LogIn(rpc::Call& call, const WebRequest& request) override;
  Answer SecondFactor(rpc::Call& call, const WebRequest& request) override;
  Answer Passkey(rpc::Call& call, const WebRequest& request) override;
  Answer Consent(rpc::Call& call, const WebRequest& request) override;
  Answer SignUp(rpc::Call& call, const WebRequest& request) override;
  Answer ForgotPassword(rpc::Call& call, const WebRequest& request) override;
  Answer NewPassword(rpc::Call& call, const WebRequest& request) override;
  Answer ConfirmEmail(rpc::Call& call, const WebRequest& request) override;
  Answer Account(rpc::Call& call, const WebRequest& request) override;
  Answer ChangeAccount(rpc::Call& call, const WebRequest& request) override;
  Answer LogOut(rpc::Call& call, const WebRequest& request) override;
  Answer ApprovePayment(rpc::Call& call, const WebRequest& request) override;
  Answer GetAsset(rpc::Call& call, const WebRequest& request) override;

 private:
  // A login that a page belongs to.
  struct OpenLogin {
    std::string secret;
    Login login;
    std::optional<PendingAuthorization> pending;
    bool is_new = false;  // Its cookie is to be set.
  };
  // The login of the browser's cookie, or a new one for the account's pages.
  Task<absl::StatusOr<OpenLogin>> LoginOf(const WebRequest& request);
  // That login where it must exist, its form checked.
  Task<absl::StatusOr<OpenLogin>> CheckedLogin(const WebRequest& request);

  // login_pages.cc
  Answer ShowLogIn(const WebRequest& request);
  Answer PostLogIn(const WebRequest& request);
  Answer RestartLogIn(const WebRequest& request);
  Answer ShowSecondFactor(const WebRequest& request);
  Answer PostSecondFactor(const WebRequest& request);
  Answer PostPasskey(const WebRequest& request);
  Answer ShowConsent(const WebRequest& request);
  Answer PostConsent(const WebRequest& request);
  Answer RenderLogInPage(OpenLogin open, LogInView view, std::string error);
  Answer RenderSecondFactorPage(OpenLogin open, std::string error);

  // recovery_pages.cc
  Answer ShowSignUp(const WebRequest& request);
  Answer PostSignUp(const WebRequest& request);
  Answer ShowForgotPassword(const WebRequest& request);
  Answer PostForgotPassword(const WebRequest& request);
  Answer PostNewPassword(const WebRequest& request);
  Answer PostConfirmEmail(const WebRequest& request);

  // account_pages.cc
  Answer ShowAccount(const WebRequest& request, Session session, std::string error);
  Answer Change(const WebRequest& request);
  Answer ChangeSessions(const WebRequest& request, Session session);
  Answer ChangeFactors(const WebRequest& request, Session session);
  Answer SetUpTotp(const WebRequest& request, Session session);
  Answer ConfirmTotp(const WebRequest& request, Session session);
  Answer OfferPasskey(const WebRequest& request, Session session, std::string error);
  Answer FinishPasskey(const WebRequest& request, Session session);
  Answer MakeRecoveryCodes(const WebRequest& request, Session session);
  Answer RemoveFactor(const WebRequest& request, Session session);
  Answer RevokeApp(const WebRequest& request, Session session);
  Answer EndSession(const WebRequest& request);
  // The other sessions end, and this one gets a new secret.
  Task<absl::StatusOr<OpenSession>> AfterChange(const WebRequest& request, Session session);
  // To the log-in page, and from there to the account.
  Answer SendToLogIn();

  // approval_pages.cc
  Answer ShowApproval(const WebRequest& request, Uuid approval_id);
  // A nil id stands for text that is none.
  Answer PostApproval(const WebRequest& request, Uuid approval_id);
  Answer RenderApprovalPage(const WebRequest& request, Uuid user_id, Uuid approval_id,
                            std::string error);
  Answer SendToLogInFor(Uuid approval_id);

  Parts parts_;
  const std::string origin_;
};

// --- Shared by the sources of PagesRpc ---

// A page for an error that no other page shows.
WebResponse ErrorPage(const absl::Status& error);
// `answer`, or the page for its error: people never see a problem document.
absl::StatusOr<WebResponse> OrErrorPage(absl::StatusOr<WebResponse> answer);
// Where a step led to, with the cookies that it changed.
WebResponse AfterStep(const LoginProgress& progress);
// The page of a login's step.
WebResponse SeeStep(LoginStep step);
LoginBrowser BrowserOf(const WebRequest& request);
Network NetworkOf(const WebRequest& request);
// What pages show for kInvalidCredentials: the same for everything.
std::string_view WrongCredentials();

}  // namespace florin::auth
