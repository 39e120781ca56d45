// The pages of PagesRpc that show an account and change it.
#include <algorithm>
#include <utility>

#include "services/auth/flow/audit_events.h"
#include "services/auth/pages/account_views.h"
#include "services/auth/pages/csrf.h"
#include "services/auth/pages/pages_rpc.h"

namespace florin::auth {
namespace {

// How long a grant can be of use to an app: its refresh tokens die then.
constexpr absl::Duration kGrantsShown = absl::Hours(24 * 30);

std::string NoticeOf(const WebRequest& request) {
  const std::string notice = QueryParameter(request, "notice");
  if (notice == "passkey-added") return "The passkey was added. Your other sessions have ended.";
  if (notice == "codes-on") return "Codes are on. Your other sessions have ended.";
  if (notice == "removed") return "It was removed. Your other sessions have ended.";
  return {};
}

// The error that a person can do something about on the page itself, or nothing.
std::string_view SentenceFor(const absl::Status& error) {
  switch (ReasonOf(error).value_or(Reason::kInternal)) {
    case Reason::kInvalidCode:
      return "This code is wrong or too old. Wait for the next one and try again.";
    case Reason::kChallengeExpired:
      return "This took too long. Start again.";
    case Reason::kPasskeyRefused:
      return "This passkey could not be used. Try again, or another one.";
    case Reason::kFactorExists:
      return "You have this one already.";
    case Reason::kTooManyFactors:
      return "You have as many passkeys as there can be. Remove one first.";
    case Reason::kFactorNotFound:
      return "It was removed already.";
    case Reason::kInvalidField:
      return "Give it a name of 1 to 64 characters.";
    case Reason::kInvalidId:
      return "This page was out of date.";
    default:
      return {};
  }
}

void FillFactors(const std::vector<Factor>& factors, AccountView& view) {
  for (const Factor& factor : factors) {
    const std::string id = FormatId(IdKind::kFactor, factor.factor_id);
    switch (factor.kind) {
      case FactorKind::kPasskey:
        view.passkeys.push_back({id, factor.label, factor.create_time});
        break;
      case FactorKind::kTotp:
        view.totp_id = id;
        break;
      case FactorKind::kRecoveryCodes:
        view.has_recovery_codes = true;
        view.recovery_codes_left = factor.codes_left;
        break;
    }
  }
}

}  // namespace

PagesRpc::Answer PagesRpc::SendToLogIn() {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::string secret, co_await parts_.logins.Begin());
  WebResponse response = SeeOther("/auth/login");
  SetCookie(response, kLoginCookie, secret, kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::Account(rpc::Call&, const WebRequest& request) {
  absl::StatusOr<Session> session = co_await parts_.sessions.Use(CookieOf(request, kSessionCookie));
  if (!session.ok() && ReasonOf(session.status()) != Reason::kSessionMissing) {
    co_return ErrorPage(session.status());
  }
  // Somebody was on their way to an approval when they had to log in.
  const absl::StatusOr<Uuid> approval =
      ParseId(IdKind::kApproval, CookieOf(request, kApprovalCookie), "cookie");
  if (session.ok() && approval.ok()) {
    WebResponse response = SeeOther("/auth/approval", FormatId(IdKind::kApproval, *approval));
    ClearCookie(response, kApprovalCookie);
    co_return response;
  }
  Answer task =
      session.ok() ? ShowAccount(request, *std::move(session), std::string()) : SendToLogIn();
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::ShowAccount(const WebRequest& request, Session session,
                                       std::string error) {
  AccountView view;
  view.token = FormToken(CookieOf(request, kSessionCookie));
  view.notice = NoticeOf(request);
  view.error = std::move(error);
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Session> sessions,
                             co_await parts_.sessions.List(session.user_id));
  for (const Session& one : sessions) {
    view.sessions.push_back({FormatId(IdKind::kSession, one.session_id),
                             DescribeBrowser(one.user_agent), one.client_address, one.active_time,
                             one.session_id == session.session_id});
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Factor> factors,
                             co_await parts_.authenticators.ListFactors(session.user_id));
  FillFactors(factors, view);
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::vector<Grant> grants,
      co_await parts_.oauth.ListGrants(session.user_id, parts_.clock.Now() - kGrantsShown));
  for (const Grant& grant : grants) {
    const bool shown = std::any_of(view.apps.begin(), view.apps.end(), [&](const AppRow& app) {
      return app.client_id == grant.client_id;
    });
    if (shown || grant.client_id == kFirstPartyClient) continue;
    FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<Client> client,
                               co_await parts_.oauth.FindClient(grant.client_id));
    view.apps.push_back(
        {grant.client_id, client ? client->client_name : grant.client_id, grant.scopes});
  }
  const int status = view.error.empty() ? 200 : 400;
  co_return PageResponse(status, RenderAccount(view));
}

PagesRpc::Answer PagesRpc::ChangeAccount(rpc::Call&, const WebRequest& request) {
  Answer task = Change(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::Change(const WebRequest& request) {
  const std::string secret = CookieOf(request, kSessionCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, secret));
  absl::StatusOr<Session> session = co_await parts_.sessions.Use(secret);
  if (!session.ok()) {
    if (ReasonOf(session.status()) != Reason::kSessionMissing) co_return session.status();
    co_return co_await SendToLogIn();
  }
  const Session now = *session;
  Task<absl::StatusOr<WebResponse>> task =
      request.path().starts_with("/auth/account/sessions/") ? ChangeSessions(request, now)
      : request.path() == "/auth/account/apps/revoke"       ? RevokeApp(request, now)
                                                            : ChangeFactors(request, now);
  absl::StatusOr<WebResponse> answer = co_await std::move(task);
  if (answer.ok()) co_return answer;
  const std::string_view sentence = SentenceFor(answer.status());
  if (sentence.empty()) co_return answer.status();
  co_return co_await ShowAccount(request, now, std::string(sentence));
}

PagesRpc::Answer PagesRpc::ChangeSessions(const WebRequest& request, Session session) {
  if (request.path() == "/auth/account/sessions/end-others") {
    FLORIN_CO_RETURN_IF_ERROR(co_await parts_.sessions.EndOthers(
        session.user_id, session.session_id, OriginOf(NetworkOf(request))));
    co_return SeeOther("/auth/account");
  }
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kSession, FormField(request, "session_id"), "session_id"));
  FLORIN_CO_RETURN_IF_ERROR(
      co_await parts_.sessions.End(session.user_id, id, OriginOf(NetworkOf(request))));
  co_return SeeOther("/auth/account");
}

PagesRpc::Answer PagesRpc::ChangeFactors(const WebRequest& request, Session session) {
  if (!Meets(session, Strength::kPassword, kRecentAuthentication, parts_.clock.Now())) {
    co_return co_await SendToLogIn();
  }
  const std::string& path = request.path();
  std::string no_error;
  if (path == "/auth/account/passkeys")
    co_return co_await OfferPasskey(request, session, std::move(no_error));
  if (path == "/auth/account/passkeys/finish") co_return co_await FinishPasskey(request, session);
  if (path == "/auth/account/totp") co_return co_await SetUpTotp(request, session);
  if (path == "/auth/account/totp/confirm") co_return co_await ConfirmTotp(request, session);
  if (path == "/auth/account/recovery-codes") {
    co_return co_await MakeRecoveryCodes(request, session);
  }
  co_return co_await RemoveFactor(request, session);
}

// The session may have been ended with the others; then this is a new one.
Task<absl::StatusOr<OpenSession>> PagesRpc::AfterChange(const WebRequest& request,
                                                        Session session) {
  Authentication authentication;
  authentication.user_id = session.user_id;
  authentication.proofs = session.proofs;
  authentication.auth_time = session.auth_time;
  FLORIN_CO_RETURN_IF_ERROR(co_await parts_.sessions.EndOthers(session.user_id, session.session_id,
                                                               OriginOf(NetworkOf(request))));
  LoginBrowser from = BrowserOf(request);
  co_return co_await parts_.sessions.Start(authentication, std::move(from.browser),
                                           std::move(from.session));
}

PagesRpc::Answer PagesRpc::SetUpTotp(const WebRequest& request, Session session) {
  FLORIN_CO_ASSIGN_OR_RETURN(TotpEnrolment enrolment,
                             co_await parts_.authenticators.BeginTotp(session.user_id));
  TotpView view;
  view.token = FormToken(CookieOf(request, kSessionCookie));
  view.secret = std::move(enrolment.secret);
  view.uri = std::move(enrolment.uri);
  co_return PageResponse(200, RenderTotp(view));
}

PagesRpc::Answer PagesRpc::ConfirmTotp(const WebRequest& request, Session session) {
  std::string code = FormField(request, "code");
  code.erase(std::remove(code.begin(), code.end(), ' '), code.end());
  const auto confirmed = co_await parts_.authenticators.ConfirmTotp(
      session.user_id, std::move(code), NetworkOf(request));
  if (ReasonOf(confirmed.status()) == Reason::kInvalidCode) {
    TotpView view;
    view.token = FormToken(CookieOf(request, kSessionCookie));
    view.error = SentenceFor(confirmed.status());
    co_return PageResponse(400, RenderTotp(view));
  }
  if (!confirmed.ok()) co_return confirmed.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenSession open, co_await AfterChange(request, session));
  WebResponse response = SeeOther("/auth/account?notice=codes-on");
  SetCookie(response, kSessionCookie, open.secret);
  co_return response;
}

PagesRpc::Answer PagesRpc::OfferPasskey(const WebRequest& request, Session session,
                                        std::string error) {
  FLORIN_CO_ASSIGN_OR_RETURN(
      Ceremony ceremony, co_await parts_.authenticators.BeginPasskeyRegistration(session.user_id));
  NewPasskeyView view;
  view.token = FormToken(CookieOf(request, kSessionCookie));
  view.options = std::move(ceremony.options);
  view.ceremony = ceremony.challenge_id.ToString();
  const int status = error.empty() ? 200 : 400;
  view.error = std::move(error);
  co_return PageResponse(status, RenderNewPasskey(view));
}

PagesRpc::Answer PagesRpc::FinishPasskey(const WebRequest& request, Session session) {
  // Not a secret and no authority: the challenge is this user's, or it is refused.
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid ceremony, Uuid::Parse(FormField(request, "ceremony")));
  const auto finished = co_await parts_.authenticators.FinishPasskeyRegistration(
      session.user_id, ceremony, FormField(request, "credential"), FormField(request, "label"),
      NetworkOf(request));
  if (!finished.ok()) {
    const std::string_view sentence = SentenceFor(finished.status());
    if (sentence.empty()) co_return finished.status();
    co_return co_await OfferPasskey(request, session, std::string(sentence));
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenSession open, co_await AfterChange(request, session));
  WebResponse response = SeeOther("/auth/account?notice=passkey-added");
  SetCookie(response, kSessionCookie, open.secret);
  co_return response;
}

// Shown in the answer itself, since they are kept nowhere to be shown again.
PagesRpc::Answer PagesRpc::MakeRecoveryCodes(const WebRequest& request, Session session) {
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::vector<std::string> codes,
      co_await parts_.authenticators.IssueRecoveryCodes(session.user_id, NetworkOf(request)));
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenSession open, co_await AfterChange(request, session));
  WebResponse response = PageResponse(200, RenderRecoveryCodes(FormToken(open.secret), codes));
  SetCookie(response, kSessionCookie, open.secret);
  co_return response;
}

PagesRpc::Answer PagesRpc::RemoveFactor(const WebRequest& request, Session session) {
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kFactor, FormField(request, "factor_id"), "factor_id"));
  FLORIN_CO_RETURN_IF_ERROR(
      co_await parts_.authenticators.RemoveFactor(session.user_id, id, NetworkOf(request)));
  FLORIN_CO_ASSIGN_OR_RETURN(const OpenSession open, co_await AfterChange(request, session));
  WebResponse response = SeeOther("/auth/account?notice=removed");
  SetCookie(response, kSessionCookie, open.secret);
  co_return response;
}

PagesRpc::Answer PagesRpc::RevokeApp(const WebRequest& request, Session session) {
  const std::string client_id = FormField(request, "client_id");
  audit::Event event = UserEvent(parts_.clock, parts_.ids, "auth.consent.revoke", session.user_id,
                                 OriginOf(NetworkOf(request)));
  event.subject = client_id;
  const auto revoked = co_await parts_.oauth.RevokeConsent(session.user_id, client_id,
                                                           parts_.clock.Now(), std::move(event));
  if (!revoked.ok()) co_return revoked.status();
  co_return SeeOther("/auth/account");
}

PagesRpc::Answer PagesRpc::LogOut(rpc::Call&, const WebRequest& request) {
  Answer task = EndSession(request);
  co_return OrErrorPage(co_await std::move(task));
}

PagesRpc::Answer PagesRpc::EndSession(const WebRequest& request) {
  const std::string secret = CookieOf(request, kSessionCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, secret));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<Session> session,
                             co_await parts_.sessions.Find(secret));
  if (session) {
    FLORIN_CO_RETURN_IF_ERROR(co_await parts_.sessions.End(session->user_id, session->session_id,
                                                           OriginOf(NetworkOf(request))));
  }
  WebResponse response = SeeOther("/auth/login?notice=logged-out");
  ClearCookie(response, kSessionCookie);
  ClearCookie(response, kLoginCookie);
  co_return response;
}

}  // namespace florin::auth
