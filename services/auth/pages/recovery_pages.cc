// The pages of PagesRpc for people without an account, or without their password.
#include <utility>

#include "services/auth/pages/csrf.h"
#include "services/auth/pages/pages_rpc.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kTokenCookie = absl::Minutes(30);

LoginFrame FrameOf(const std::string& secret, std::string error) {
  LoginFrame frame;
  frame.token = FormToken(secret);
  frame.error = std::move(error);
  return frame;
}

// What is shown where the account could not be made or the password not be set, or nothing for
// errors that have a page of their own.
std::string_view SentenceFor(const absl::Status& error) {
  switch (ReasonOf(error).value_or(Reason::kInternal)) {
    case Reason::kInvalidEmail:
      return "This is no e-mail address that we can use.";
    case Reason::kWeakPassword:
      return "Choose another password: this one is too short, or too many people use it.";
    case Reason::kEmailTaken:
      return "There is an account with this address. Log in, or ask for a new password.";
    default:
      return {};
  }
}

// The link of an e-mail: its token moves from the address into a cookie at once, so that it stays
// in no history, and is used by a form, so that programs which open links use up nothing.
WebResponse TakeToken(const WebRequest& request, std::string_view cookie, Path next) {
  const std::string token = QueryParameter(request, "token");
  WebResponse response = SeeOther(next);
  SetCookie(response, cookie, token, kTokenCookie);
  // As it would be read back: what is no token is not set.
  WebRequest back;
  http::v1::Parameter& kept = *back.add_cookies();
  kept.set_name(std::string(cookie));
  kept.set_value(token);
  if (CookieOf(back, cookie).empty()) {
    return ErrorPage(Error(Reason::kEmailTokenInvalid, "the link has no token"));
  }
  return response;
}

absl::Status NoToken() { return Error(Reason::kEmailTokenInvalid, "there is no token"); }

}  // namespace

PagesRpc::Answer PagesRpc::SignUp(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  Answer task = posted ? PostSignUp(request) : ShowSignUp(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::ShowSignUp(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenLogin open, co_await LoginOf(request));
  if (!MayVisit(open.login.step, LoginPage::kRegister)) co_return SeeStep(open.login.step);
  LoginFrame frame = FrameOf(open.secret, {});
  if (open.pending) frame.client_name = open.pending->client_name;
  const std::string target =
      open.pending ? FormTargetOf(open.pending->redirect_uri) : std::string();
  WebResponse response = PageResponse(200, RenderRegister(frame, {}), target);
  if (open.is_new) SetCookie(response, kLoginCookie, open.secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::PostSignUp(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenLogin open, co_await CheckedLogin(request));
  if (!MayVisit(open.login.step, LoginPage::kRegister)) co_return SeeStep(open.login.step);
  const std::string email = FormField(request, "email");
  LoginBrowser from = BrowserOf(request);
  const absl::StatusOr<LoginProgress> progress = co_await parts_.logins.SignUp(
      open.secret, email, FormField(request, "password"), std::move(from));
  if (progress.ok()) co_return AfterStep(*progress);
  const std::string_view sentence = SentenceFor(progress.status());
  if (sentence.empty()) co_return progress.status();
  LoginFrame frame = FrameOf(open.secret, std::string(sentence));
  if (open.pending) frame.client_name = open.pending->client_name;
  const std::string target =
      open.pending ? FormTargetOf(open.pending->redirect_uri) : std::string();
  co_return PageResponse(400, RenderRegister(frame, email), target);
}

PagesRpc::Answer PagesRpc::ForgotPassword(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  Answer task = posted ? PostForgotPassword(request) : ShowForgotPassword(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::ShowForgotPassword(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenLogin open, co_await LoginOf(request));
  const bool sent = !QueryParameter(request, "sent").empty();
  const LoginFrame frame = FrameOf(open.secret, {});
  WebResponse response = PageResponse(200, RenderForgotPassword(frame, sent));
  if (open.is_new) SetCookie(response, kLoginCookie, open.secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::PostForgotPassword(const WebRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenLogin open, co_await CheckedLogin(request));
  const absl::Status asked = co_await parts_.authenticators.RequestPasswordReset(
      FormField(request, "email"), NetworkOf(request));
  if (!asked.ok()) co_return asked;
  co_return SeeOther("/auth/password-reset?sent=1");
}

PagesRpc::Answer PagesRpc::NewPassword(rpc::Call&, const WebRequest& request) {
  if (request.method() == "POST") {
    Answer task = PostNewPassword(request);
    co_return OrErrorPage(co_await std::move(task));
  }
  if (request.query_size() > 0) {
    co_return TakeToken(request, kResetCookie, "/auth/password-reset/confirm");
  }
  const std::string token = CookieOf(request, kResetCookie);
  if (token.empty()) co_return ErrorPage(NoToken());
  co_return PageResponse(200, RenderNewPassword(FrameOf(token, {})));
}

PagesRpc::Answer PagesRpc::PostNewPassword(const WebRequest& request) {
  const std::string token = CookieOf(request, kResetCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, token));
  const absl::Status reset = co_await parts_.authenticators.ResetPassword(
      token, FormField(request, "password"), NetworkOf(request));
  const std::string_view sentence = SentenceFor(reset);
  if (!reset.ok() && !sentence.empty()) {
    co_return PageResponse(400, RenderNewPassword(FrameOf(token, std::string(sentence))));
  }
  WebResponse response =
      reset.ok() ? SeeOther("/auth/login?notice=password-changed") : ErrorPage(reset);
  if (reset.ok() || ReasonOf(reset) == Reason::kEmailTokenInvalid) {
    ClearCookie(response, kResetCookie);
  }
  if (reset.ok()) ClearCookie(response, kSessionCookie);
  co_return response;
}

PagesRpc::Answer PagesRpc::ConfirmEmail(rpc::Call&, const WebRequest& request) {
  if (request.method() == "POST") {
    Answer task = PostConfirmEmail(request);
    co_return OrErrorPage(co_await std::move(task));
  }
  if (request.query_size() > 0) {
    co_return TakeToken(request, kVerifyCookie, "/auth/verify-email");
  }
  const std::string token = CookieOf(request, kVerifyCookie);
  if (token.empty()) co_return ErrorPage(NoToken());
  co_return PageResponse(200, RenderVerifyEmail(FrameOf(token, {})));
}

PagesRpc::Answer PagesRpc::PostConfirmEmail(const WebRequest& request) {
  const std::string token = CookieOf(request, kVerifyCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, token));
  const absl::Status verified =
      co_await parts_.authenticators.VerifyEmail(token, NetworkOf(request));
  WebResponse response =
      verified.ok() ? PageResponse(200, RenderEnd({.title = "Your e-mail is confirmed",
                                                   .what = "This address is known to be yours.",
                                                   .what_to_do = "You can close this window.",
                                                   .to_log_in = true}))
                    : ErrorPage(verified);
  if (verified.ok() || ReasonOf(verified) == Reason::kEmailTokenInvalid) {
    ClearCookie(response, kVerifyCookie);
  }
  co_return response;
}

}  // namespace florin::auth
