#include "services/auth/pages/pages_rpc.h"

#include <utility>

#include "services/auth/pages/csrf.h"

namespace florin::auth {
namespace {

// Who brings pages their requests.
constexpr char kGateway[] = "gateway";

struct ErrorText {
  Reason reason;
  int status;
  const char* title;
  const char* what;
  const char* what_to_do;
  bool to_log_in;
};

constexpr ErrorText kErrors[] = {
    {Reason::kForgedForm, 403, "This page is out of date",
     "What you sent did not come from a page that this browser was shown just now.",
     "Load the page again and repeat what you did. If a link from elsewhere brought you here, "
     "close this window.",
     true},
    {Reason::kLoginExpired, 400, "This log-in is over",
     "It took longer than fifteen minutes, or it was finished in another window.",
     "Begin again. If an app sent you here, go back to it and start there.", true},
    {Reason::kLoginStepInvalid, 400, "This log-in went on elsewhere",
     "Its next step was taken in another window.", "Go on there, or begin again.", true},
    {Reason::kInvalidRequestUri, 400, "This link does not work any more",
     "The app's request was used before, took too long, or is not the app's.",
     "Go back to the app and start again there.", false},
    {Reason::kStrongerFactorNeeded, 403, "A stronger log-in is needed",
     "The app asks for more than your account can show so far.",
     "Log in to your account, add a passkey or an authenticator app, then go back to the app and "
     "start again.",
     true},
    {Reason::kEmailTokenInvalid, 400, "This link does not work any more",
     "Links from our e-mails work once and for a short time, and only the latest does.",
     "Ask for a new one.", true},
    {Reason::kOverloaded, 429, "Too much at once", "We have more to do than we can at the moment.",
     "Wait a minute, then try again.", false},
    {Reason::kMalformedRequest, 400, "This link is not complete",
     "Something is missing in the address, or something is there that does not belong to it.",
     "Go back to where you came from and start again there.", false},
};

constexpr ErrorText kFault = {Reason::kUnavailable,
                              503,
                              "Something went wrong on our side",
                              "Nothing that you did is lost that was confirmed before.",
                              "Wait a minute, then try again.",
                              false};

}  // namespace

WebResponse ErrorPage(const absl::Status& error) {
  const ErrorText* text = &kFault;
  for (const ErrorText& one : kErrors) {
    if (ReasonOf(error) == one.reason) text = &one;
  }
  WebResponse response = PageResponse(text->status, RenderEnd({.title = text->title,
                                                               .what = text->what,
                                                               .what_to_do = text->what_to_do,
                                                               .to_log_in = text->to_log_in}));
  // What cannot go on is not offered again.
  if (text->reason == Reason::kLoginExpired || text->reason == Reason::kInvalidRequestUri) {
    ClearCookie(response, kLoginCookie);
  }
  return response;
}

absl::StatusOr<WebResponse> OrErrorPage(absl::StatusOr<WebResponse> answer) {
  if (answer.ok()) return answer;
  return ErrorPage(answer.status());
}

WebResponse SeeStep(LoginStep step) {
  switch (step) {
    case LoginStep::kFirst:
      return SeeOther("/auth/login");
    case LoginStep::kSecond:
      return SeeOther("/auth/second-factor");
    case LoginStep::kConsent:
      return SeeOther("/auth/consent");
    case LoginStep::kDone:
      break;
  }
  return SeeOther("/auth/account");
}

WebResponse AfterStep(const LoginProgress& progress) {
  WebResponse response =
      progress.redirect.empty() ? SeeStep(progress.login.step) : SeeApp(progress.redirect);
  if (progress.session) SetCookie(response, kSessionCookie, progress.session->secret);
  if (progress.secret.empty()) {
    ClearCookie(response, kLoginCookie);
  } else {
    SetCookie(response, kLoginCookie, progress.secret, kLoginLifetime);
  }
  if (!progress.device.empty()) {
    SetCookie(response, kDeviceCookie, progress.device, absl::Hours(24 * 365));
  }
  return response;
}

Network NetworkOf(const WebRequest& request) {
  Network network;
  network.address = request.client_address();
  network.device = CookieOf(request, kDeviceCookie);
  network.caller = kGateway;
  network.request_id = request.request_id();
  return network;
}

LoginBrowser BrowserOf(const WebRequest& request) {
  LoginBrowser from;
  from.browser.client_address = request.client_address();
  from.browser.user_agent = request.user_agent();
  from.browser.caller = kGateway;
  from.browser.request_id = request.request_id();
  from.device = CookieOf(request, kDeviceCookie);
  from.session = CookieOf(request, kSessionCookie);
  return from;
}

std::string_view WrongCredentials() {
  return "That did not work: something you gave is wrong, or there were too many tries. Check it, "
         "or wait a while.";
}

PagesRpc::PagesRpc(Parts parts, std::string_view issuer)
    : parts_(parts), origin_(OriginOf(issuer)) {}

Task<absl::StatusOr<PagesRpc::OpenLogin>> PagesRpc::LoginOf(const WebRequest& request) {
  OpenLogin open;
  open.secret = CookieOf(request, kLoginCookie);
  absl::StatusOr<Login> login = co_await parts_.logins.Find(open.secret);
  if (login.ok()) {
    open.login = *std::move(login);
    FLORIN_CO_ASSIGN_OR_RETURN(open.pending, co_await parts_.logins.RequestOf(open.login));
    co_return open;
  }
  if (ReasonOf(login.status()) != Reason::kLoginExpired) co_return login.status();
  FLORIN_CO_ASSIGN_OR_RETURN(open.secret, co_await parts_.logins.Begin());
  FLORIN_CO_ASSIGN_OR_RETURN(open.login, co_await parts_.logins.Find(open.secret));
  open.is_new = true;
  co_return open;
}

Task<absl::StatusOr<PagesRpc::OpenLogin>> PagesRpc::CheckedLogin(const WebRequest& request) {
  OpenLogin open;
  open.secret = CookieOf(request, kLoginCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, open.secret));
  FLORIN_CO_ASSIGN_OR_RETURN(open.login, co_await parts_.logins.Find(open.secret));
  FLORIN_CO_ASSIGN_OR_RETURN(open.pending, co_await parts_.logins.RequestOf(open.login));
  co_return open;
}

PagesRpc::Answer PagesRpc::GetAsset(rpc::Call&, const WebRequest& request) {
  co_return AssetResponse(request.path());
}

}  // namespace florin::auth
