// The pages of PagesRpc that log somebody in.
#include <algorithm>
#include <utility>

#include "services/auth/pages/csrf.h"
#include "services/auth/pages/pages_rpc.h"

namespace florin::auth {
namespace {

LoginFrame FrameOf(const std::string& secret, const std::optional<PendingAuthorization>& pending,
                   std::string error) {
  LoginFrame frame;
  frame.token = FormToken(secret);
  if (pending) frame.client_name = pending->client_name;
  frame.error = std::move(error);
  return frame;
}

std::string TargetOf(const std::optional<PendingAuthorization>& pending) {
  return pending ? FormTargetOf(pending->redirect_uri) : std::string();
}

// What a page that sent somebody here wants said. Only these can be asked for.
std::string NoticeOf(const WebRequest& request) {
  const std::string notice = QueryParameter(request, "notice");
  if (notice == "password-changed") return "Your password was changed. Log in with it.";
  if (notice == "logged-out") return "You are logged out.";
  return {};
}

int StatusFor(const std::string& error) { return error.empty() ? 200 : 400; }

}  // namespace

PagesRpc::Answer PagesRpc::Authorize(rpc::Call&, const WebRequest& request) {
  AppRequest app;
  app.client_id = QueryParameter(request, "client_id");
  app.request_uri = QueryParameter(request, "request_uri");
  // Nothing else may stand there: all of a request was pushed (FAPI 2.0 Security Profile section
  // 5.3.2.2), and nobody is redirected anywhere on the word of an address.
  if (request.query_size() != 2 || app.client_id.empty() || app.request_uri.empty()) {
    co_return ErrorPage(Error(Reason::kMalformedRequest, "exactly client_id and request_uri"));
  }
  FLORIN_CO_ASSIGN_OR_RETURN(std::optional<Session> session,
                             co_await parts_.sessions.Find(CookieOf(request, kSessionCookie)));
  if (session && StateOf(*session, parts_.clock.Now()) != SessionState::kActive) session.reset();
  const absl::StatusOr<OpenedRequest> opened =
      co_await parts_.logins.Open(std::move(app), std::move(session), BrowserOf(request));
  if (!opened.ok()) co_return ErrorPage(opened.status());
  if (!opened->redirect.empty()) co_return SeeApp(opened->redirect);
  WebResponse response = opened->opening == Opening::kStepUp    ? SeeStep(LoginStep::kSecond)
                         : opened->opening == Opening::kConsent ? SeeStep(LoginStep::kConsent)
                                                                : SeeStep(LoginStep::kFirst);
  SetCookie(response, kLoginCookie, opened->secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::LogIn(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  Answer task = posted ? PostLogIn(request) : ShowLogIn(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::SecondFactor(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  Answer task = posted ? PostSecondFactor(request) : ShowSecondFactor(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::Passkey(rpc::Call&, const WebRequest& request) {
  Answer task = PostPasskey(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::Consent(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  Answer task = posted ? PostConsent(request) : ShowConsent(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::RestartLogIn(const WebRequest& request) {
  absl::StatusOr<std::string> secret =
      co_await parts_.logins.Restart(CookieOf(request, kLoginCookie));
  if (!secret.ok()) secret = co_await parts_.logins.Begin();
  if (!secret.ok()) co_return secret.status();
  WebResponse response = SeeOther("/auth/login");
  SetCookie(response, kLoginCookie, *secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::ShowLogIn(const WebRequest& request) {
  if (!QueryParameter(request, "restart").empty()) co_return co_await RestartLogIn(request);
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<Session> session,
                             co_await parts_.sessions.Find(CookieOf(request, kSessionCookie)));
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await LoginOf(request));
  const bool active = session && StateOf(*session, parts_.clock.Now()) == SessionState::kActive;
  if (open.is_new && active) co_return SeeOther("/auth/account");
  if (!MayVisit(open.login.step, LoginPage::kLogIn)) co_return SeeStep(open.login.step);
  LogInView view;
  view.notice = NoticeOf(request);
  view.again = session.has_value();
  if (open.pending) view.email = open.pending->login_hint;
  std::string no_error;
  co_return co_await RenderLogInPage(std::move(open), std::move(view), std::move(no_error));
}

PagesRpc::Answer PagesRpc::RenderLogInPage(OpenLogin open, LogInView view, std::string error) {
  FLORIN_CO_ASSIGN_OR_RETURN(view.passkey_options,
                             co_await parts_.logins.OfferPasskey(open.secret));
  const int status = StatusFor(error);
  const LoginFrame frame = FrameOf(open.secret, open.pending, std::move(error));
  WebResponse response = PageResponse(status, RenderLogIn(frame, view), TargetOf(open.pending));
  if (open.is_new) SetCookie(response, kLoginCookie, open.secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::PostLogIn(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await CheckedLogin(request));
  if (!MayVisit(open.login.step, LoginPage::kLogIn)) co_return SeeStep(open.login.step);
  LogInView view;
  view.email = FormField(request, "email");
  LoginBrowser from = BrowserOf(request);
  const absl::StatusOr<LoginProgress> progress = co_await parts_.logins.ShowPassword(
      open.secret, view.email, FormField(request, "password"), std::move(from));
  if (progress.ok()) co_return AfterStep(*progress);
  if (ReasonOf(progress.status()) != Reason::kInvalidCredentials) co_return progress.status();
  co_return co_await RenderLogInPage(std::move(open), std::move(view),
                                     std::string(WrongCredentials()));
}

PagesRpc::Answer PagesRpc::ShowSecondFactor(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await LoginOf(request));
  if (!MayVisit(open.login.step, LoginPage::kSecondFactor)) co_return SeeStep(open.login.step);
  std::string no_error;
  co_return co_await RenderSecondFactorPage(std::move(open), std::move(no_error));
}

PagesRpc::Answer PagesRpc::RenderSecondFactorPage(OpenLogin open, std::string error) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Factor> factors,
                             co_await parts_.authenticators.ListFactors(*open.login.user_id));
  const auto has = [&factors](FactorKind kind) {
    return std::any_of(factors.begin(), factors.end(),
                       [kind](const Factor& factor) { return factor.kind == kind; });
  };
  SecondFactorView view;
  view.codes = open.login.demand <= Strength::kTwoFactors;
  view.totp = has(FactorKind::kTotp);
  if (has(FactorKind::kPasskey)) {
    FLORIN_CO_ASSIGN_OR_RETURN(view.passkey_options,
                               co_await parts_.logins.OfferPasskey(open.secret));
  }
  const int status = StatusFor(error);
  const LoginFrame frame = FrameOf(open.secret, open.pending, std::move(error));
  co_return PageResponse(status, RenderSecondFactor(frame, view), TargetOf(open.pending));
}

PagesRpc::Answer PagesRpc::PostSecondFactor(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await CheckedLogin(request));
  if (!MayVisit(open.login.step, LoginPage::kSecondFactor)) co_return SeeStep(open.login.step);
  std::string recovery_code = FormField(request, "recovery_code");
  std::string code = FormField(request, "code");
  code.erase(std::remove(code.begin(), code.end(), ' '), code.end());  // "123 456"
  LoginBrowser from = BrowserOf(request);
  Task<absl::StatusOr<LoginProgress>> step =
      recovery_code.empty()
          ? parts_.logins.ShowTotp(open.secret, std::move(code), std::move(from))
          : parts_.logins.ShowRecoveryCode(open.secret, std::move(recovery_code), std::move(from));
  const absl::StatusOr<LoginProgress> progress = co_await std::move(step);
  if (progress.ok()) co_return AfterStep(*progress);
  if (ReasonOf(progress.status()) != Reason::kInvalidCredentials) co_return progress.status();
  co_return co_await RenderSecondFactorPage(std::move(open), std::string(WrongCredentials()));
}

PagesRpc::Answer PagesRpc::PostPasskey(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await CheckedLogin(request));
  const bool first = open.login.step == LoginStep::kFirst;
  if (!first && open.login.step != LoginStep::kSecond) co_return SeeStep(open.login.step);
  LoginBrowser from = BrowserOf(request);
  const absl::StatusOr<LoginProgress> progress = co_await parts_.logins.ShowPasskey(
      open.secret, FormField(request, "credential"), std::move(from));
  if (progress.ok()) co_return AfterStep(*progress);
  if (ReasonOf(progress.status()) != Reason::kInvalidCredentials) co_return progress.status();
  LogInView view;
  std::string error(WrongCredentials());
  Answer page = first ? RenderLogInPage(std::move(open), std::move(view), std::move(error))
                      : RenderSecondFactorPage(std::move(open), std::move(error));
  co_return co_await std::move(page);
}

PagesRpc::Answer PagesRpc::ShowConsent(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await LoginOf(request));
  if (!MayVisit(open.login.step, LoginPage::kConsent)) co_return SeeStep(open.login.step);
  const absl::StatusOr<Session> session =
      co_await parts_.sessions.Use(CookieOf(request, kSessionCookie));
  if (!session.ok() || session->user_id != *open.login.user_id) {
    co_return co_await RestartLogIn(request);
  }
  ConsentView view;
  view.scopes = open.pending->scopes;
  view.destination = DestinationOf(open.pending->redirect_uri);
  const LoginFrame frame = FrameOf(open.secret, open.pending, {});
  co_return PageResponse(200, RenderConsent(frame, view), TargetOf(open.pending));
}

PagesRpc::Answer PagesRpc::PostConsent(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(OpenLogin open, co_await CheckedLogin(request));
  if (!MayVisit(open.login.step, LoginPage::kConsent)) co_return SeeStep(open.login.step);
  const absl::StatusOr<Session> session =
      co_await parts_.sessions.Use(CookieOf(request, kSessionCookie));
  if (!session.ok()) co_return co_await RestartLogIn(request);
  const std::string decision = FormField(request, "decision");
  if (decision != "allow" && decision != "deny") {
    co_return Error(Reason::kMalformedRequest, "neither allowed nor denied");
  }
  const absl::StatusOr<LoginProgress> progress =
      co_await parts_.logins.Decide(open.secret, decision == "allow", *session, BrowserOf(request));
  if (!progress.ok()) co_return progress.status();
  co_return AfterStep(*progress);
}

}  // namespace florin::auth
