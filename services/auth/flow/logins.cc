#include "services/auth/flow/logins.h"

#include <algorithm>
#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

constexpr std::size_t kSecretOctets = 32;

std::string NewSecret() { return crypto::Base64UrlEncode(crypto::RandomOctets(kSecretOctets)); }

bool Contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

AuthorizationDemand DemandOf(const PendingAuthorization& pending) {
  AuthorizationDemand demand;
  std::optional<Strength> weakest;
  for (const std::string& acr : pending.acr_values) {
    const std::optional<Strength> strength = StrengthFromAcr(acr);
    if (strength) weakest = weakest ? std::min(*weakest, *strength) : *strength;
  }
  demand.strength = weakest.value_or(Strength::kPassword);
  demand.max_age = pending.max_age.value_or(absl::InfiniteDuration());
  demand.log_in = Contains(pending.prompt, "login") || Contains(pending.prompt, "select_account");
  demand.consent = Contains(pending.prompt, "consent");
  demand.silent = Contains(pending.prompt, "none");
  return demand;
}

Network NetworkOf(const LoginBrowser& from) {
  Network network;
  network.address = from.browser.client_address;
  network.device = from.device;
  network.caller = from.browser.caller;
  network.request_id = from.browser.request_id;
  return network;
}

GrantedBy GrantedIn(const Session& session, const PendingAuthorization& pending,
                    const LoginBrowser& from) {
  GrantedBy granted;
  granted.user_id = session.user_id;
  granted.session_id = FormatId(IdKind::kSession, session.session_id);
  granted.auth_time = session.auth_time;
  granted.acr = AcrOf(StrengthOf(session.proofs));
  for (const std::string_view method : AmrOf(session.proofs)) granted.amr.emplace_back(method);
  granted.scopes = pending.scopes;
  granted.origin = OriginOf(NetworkOf(from));
  return granted;
}

bool IsSecondFactor(FactorKind kind) {
  return kind == FactorKind::kPasskey || kind == FactorKind::kTotp;
}

absl::Status Expired() { return Error(Reason::kLoginExpired, "there is no such login any more"); }

}  // namespace

Task<absl::StatusOr<std::string>> Logins::Keep(Login login) {
  login.create_time = InMicroseconds(parts_.clock.Now());
  std::string secret = NewSecret();
  const absl::Time forget = login.create_time - kLoginLifetime;
  FLORIN_CO_ASSIGN_OR_RETURN(
      const bool kept,
      co_await parts_.store.Insert(std::move(login), crypto::Sha256(secret), forget));
  static_cast<void>(kept);
  co_return secret;
}

Task<absl::StatusOr<std::string>> Logins::Begin() {
  Login login;
  co_return co_await Keep(std::move(login));
}

Task<absl::StatusOr<std::string>> Logins::Restart(std::string secret) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Login before, co_await Find(secret));
  const auto removed = co_await parts_.store.Remove(crypto::Sha256(secret));
  if (!removed.ok()) co_return removed.status();
  Login login;
  login.demand = before.demand;
  login.request_uri = before.request_uri;
  login.client_id = before.client_id;
  co_return co_await Keep(std::move(login));
}

Task<absl::StatusOr<Login>> Logins::Find(std::string secret) {
  if (secret.empty()) co_return Expired();
  FLORIN_CO_ASSIGN_OR_RETURN(std::optional<Login> login,
                             co_await parts_.store.Find(crypto::Sha256(secret)));
  if (!login || IsOver(*login, parts_.clock.Now())) co_return Expired();
  co_return *std::move(login);
}

Task<absl::StatusOr<PendingAuthorization>> Logins::NarrowedTo(Uuid user_id,
                                                              PendingAuthorization pending) {
  const absl::StatusOr<Roles> roles = co_await parts_.roles.RolesOf(user_id);
  if (!roles.ok()) co_return roles.status();
  pending.scopes = PresentScopes(pending.scopes, *roles);
  co_return pending;
}

Task<absl::StatusOr<std::string>> Logins::Answer(AppRequest app, Session session,
                                                 PendingAuthorization pending, LoginBrowser from) {
  if (pending.scopes.empty()) {
    std::string error = "invalid_scope";
    co_return co_await parts_.requests.Deny(std::move(app.request_uri), std::move(app.client_id),
                                            std::move(error));
  }
  GrantedBy granted = GrantedIn(session, pending, from);
  co_return co_await parts_.requests.Grant(std::move(app.request_uri), std::move(app.client_id),
                                           std::move(granted));
}

Task<absl::StatusOr<LoginFacts>> Logins::FactsOf(Uuid user_id, PendingAuthorization pending) {
  LoginFacts facts;
  FLORIN_CO_ASSIGN_OR_RETURN(pending, co_await NarrowedTo(user_id, std::move(pending)));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Factor> factors,
                             co_await parts_.authenticators.ListFactors(user_id));
  facts.has_second_factor = std::any_of(factors.begin(), factors.end(), [](const Factor& factor) {
    return IsSecondFactor(factor.kind);
  });
  facts.needs_consent = false;
  if (pending.client_id.empty() || pending.first_party || pending.scopes.empty()) co_return facts;
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<florin::auth::Consent> consent,
                             co_await parts_.oauth.FindConsent(user_id, pending.client_id));
  facts.needs_consent =
      !consent || Contains(pending.prompt, "consent") ||
      !std::all_of(pending.scopes.begin(), pending.scopes.end(),
                   [&](const std::string& scope) { return Contains(consent->scopes, scope); });
  co_return facts;
}

Task<absl::StatusOr<LoginFacts>> Logins::FactsOf(Uuid user_id, Login login) {
  FLORIN_CO_ASSIGN_OR_RETURN(std::optional<PendingAuthorization> pending,
                             co_await RequestOf(std::move(login)));
  PendingAuthorization asked;
  if (pending) asked = *std::move(pending);
  co_return co_await FactsOf(user_id, std::move(asked));
}

Task<absl::StatusOr<std::optional<PendingAuthorization>>> Logins::RequestOf(Login login) {
  if (login.request_uri.empty()) co_return std::nullopt;
  absl::StatusOr<PendingAuthorization> pending =
      co_await parts_.requests.Find(std::move(login.request_uri), std::move(login.client_id));
  if (!pending.ok()) co_return pending.status();
  if (login.user_id) pending = co_await NarrowedTo(*login.user_id, *std::move(pending));
  if (!pending.ok()) co_return pending.status();
  co_return *std::move(pending);
}

Task<absl::StatusOr<OpenedRequest>> Logins::Open(AppRequest app, std::optional<Session> session,
                                                 LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(PendingAuthorization pending,
                             co_await parts_.requests.Find(app.request_uri, app.client_id));
  if (session) {
    FLORIN_CO_ASSIGN_OR_RETURN(pending, co_await NarrowedTo(session->user_id, std::move(pending)));
  }
  const AuthorizationDemand demand = DemandOf(pending);
  LoginFacts facts;
  if (session) {
    FLORIN_CO_ASSIGN_OR_RETURN(facts, co_await FactsOf(session->user_id, pending));
  }
  OpenedRequest opened;
  opened.opening =
      florin::auth::Open(session ? &*session : nullptr, demand, facts, parts_.clock.Now());
  Login login;
  login.request_uri = app.request_uri;
  login.client_id = app.client_id;
  login.demand = demand.strength;
  switch (opened.opening) {
    case Opening::kGrant: {
      FLORIN_CO_ASSIGN_OR_RETURN(
          opened.redirect, co_await Answer(std::move(app), *std::move(session), std::move(pending),
                                           std::move(from)));
      co_return opened;
    }
    case Opening::kLoginRequired:
    case Opening::kConsentRequired: {
      std::string error =
          opened.opening == Opening::kLoginRequired ? "login_required" : "consent_required";
      FLORIN_CO_ASSIGN_OR_RETURN(
          opened.redirect,
          co_await parts_.requests.Deny(app.request_uri, app.client_id, std::move(error)));
      co_return opened;
    }
    case Opening::kStepUp:
      login = StepUp(std::move(login), session->user_id, session->proofs, session->auth_time);
      break;
    case Opening::kConsent:
      login = StepUp(std::move(login), session->user_id, session->proofs, session->auth_time);
      login.step = LoginStep::kConsent;
      break;
    case Opening::kLogIn:
      break;
  }
  FLORIN_CO_ASSIGN_OR_RETURN(opened.secret, co_await Keep(std::move(login)));
  // Its user has come; from here on the login's own time counts.
  const absl::Time now = parts_.clock.Now();
  FLORIN_CO_ASSIGN_OR_RETURN(const bool held, co_await parts_.oauth.HoldRequest(
                                                  crypto::Sha256(app.request_uri), app.client_id,
                                                  now, InMicroseconds(now + kLoginLifetime)));
  if (!held) co_return Error(Reason::kInvalidRequestUri, "the request was used meanwhile");
  co_return opened;
}

Task<absl::StatusOr<std::string>> Logins::OfferPasskey(std::string secret) {
  FLORIN_CO_ASSIGN_OR_RETURN(Ceremony ceremony, co_await parts_.authenticators.BeginPasskeyLogin());
  FLORIN_CO_ASSIGN_OR_RETURN(
      const bool noted,
      co_await parts_.store.NoteCeremony(crypto::Sha256(secret), ceremony.challenge_id.ToString()));
  if (!noted) co_return Expired();
  co_return std::move(ceremony.options);
}

Task<absl::StatusOr<LoginProgress>> Logins::ShowPassword(std::string secret, std::string email,
                                                         std::string password, LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  FLORIN_CO_ASSIGN_OR_RETURN(const VerifiedUser user,
                             co_await parts_.authenticators.VerifyPassword(
                                 std::move(email), std::move(password), NetworkOf(from)));
  co_return co_await Step(std::move(secret), std::move(login), LoginEvent::kPasswordShown,
                          user.user_id, std::move(from));
}

Task<absl::StatusOr<LoginProgress>> Logins::ShowTotp(std::string secret, std::string code,
                                                     LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  if (login.step != LoginStep::kSecond) {
    co_return Error(Reason::kLoginStepInvalid, "a code belongs to the second step");
  }
  const Uuid user_id = *login.user_id;
  const auto verified =
      co_await parts_.authenticators.VerifyTotp(user_id, std::move(code), NetworkOf(from));
  if (!verified.ok()) co_return verified.status();
  co_return co_await Step(std::move(secret), std::move(login), LoginEvent::kTotpShown, user_id,
                          std::move(from));
}

Task<absl::StatusOr<LoginProgress>> Logins::ShowRecoveryCode(std::string secret, std::string code,
                                                             LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  if (login.step != LoginStep::kSecond) {
    co_return Error(Reason::kLoginStepInvalid, "a code belongs to the second step");
  }
  // Before it is used up.
  if (login.demand > Strength::kTwoFactors) {
    co_return Error(Reason::kStrongerFactorNeeded, "a passkey is demanded");
  }
  const Uuid user_id = *login.user_id;
  const auto left =
      co_await parts_.authenticators.UseRecoveryCode(user_id, std::move(code), NetworkOf(from));
  if (!left.ok()) co_return left.status();
  co_return co_await Step(std::move(secret), std::move(login), LoginEvent::kRecoveryCodeShown,
                          user_id, std::move(from));
}

Task<absl::StatusOr<LoginProgress>> Logins::ShowPasskey(std::string secret, std::string credential,
                                                        LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  const absl::StatusOr<Uuid> ceremony = Uuid::Parse(login.ceremony);
  if (!ceremony.ok()) co_return Error(Reason::kInvalidCredentials, "no passkey was asked for");
  FLORIN_CO_ASSIGN_OR_RETURN(const VerifiedPasskey passkey,
                             co_await parts_.authenticators.FinishPasskeyLogin(
                                 *ceremony, std::move(credential), NetworkOf(from)));
  if (login.user_id && *login.user_id != passkey.user_id) {
    co_return Error(Reason::kInvalidCredentials, "another user's passkey");
  }
  co_return co_await Step(std::move(secret), std::move(login), LoginEvent::kPasskeyShown,
                          passkey.user_id, std::move(from));
}

Task<absl::StatusOr<LoginProgress>> Logins::SignUp(std::string secret, std::string email,
                                                   std::string password, LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  if (login.step != LoginStep::kFirst) {
    co_return Error(Reason::kLoginStepInvalid, "somebody is logging in already");
  }
  // The same form again gives the same user.
  const crypto::Digest digest = crypto::Sha256("florin.auth.sign-up\n" + secret + "\n" + email);
  std::string key = "page-" + crypto::Hex(crypto::AsOctets(digest));
  const Registering registering = co_await parts_.register_user.Run(
      std::move(key), std::move(email), std::move(password), OriginOf(NetworkOf(from)));
  if (!registering.user.ok()) co_return registering.user.status();
  const Uuid user_id = registering.user->user_id;
  // Somebody whose message did not go can ask for it again.
  const absl::Status asked = co_await parts_.authenticators.RequestEmailVerification(user_id);
  telemetry::Count("florin_auth_sign_ups_total", {{"mail", asked.ok() ? "sent" : "failed"}});
  co_return co_await Step(std::move(secret), std::move(login), LoginEvent::kPasswordShown, user_id,
                          std::move(from));
}

Task<absl::StatusOr<LoginProgress>> Logins::Decide(std::string secret, bool allowed,
                                                   Session session, LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(Login login, co_await Find(secret));
  if (!Meets(session, login.demand, absl::InfiniteDuration(), parts_.clock.Now())) {
    co_return Error(Reason::kStrongerFactorNeeded, "the session became weaker meanwhile");
  }
  const LoginEvent event = allowed ? LoginEvent::kConsentGiven : LoginEvent::kConsentDenied;
  LoginProgress progress;
  FLORIN_CO_ASSIGN_OR_RETURN(
      progress.login,
      florin::auth::Advance(login, event, session.user_id, LoginFacts(), parts_.clock.Now()));
  if (allowed) {
    FLORIN_CO_ASSIGN_OR_RETURN(const auto pending, co_await RequestOf(login));
    florin::auth::Consent consent;
    consent.user_id = session.user_id;
    consent.client_id = login.client_id;
    consent.scopes = pending->scopes;
    consent.time = InMicroseconds(parts_.clock.Now());
    const auto recorded = co_await parts_.oauth.RecordConsent(std::move(consent));
    if (!recorded.ok()) co_return recorded.status();
    FLORIN_CO_RETURN_IF_ERROR(co_await Finish(progress, std::move(session), std::move(from)));
  } else {
    FLORIN_CO_ASSIGN_OR_RETURN(
        progress.redirect,
        co_await parts_.requests.Deny(login.request_uri, login.client_id, "access_denied"));
  }
  const auto removed = co_await parts_.store.Remove(crypto::Sha256(secret));
  if (!removed.ok()) co_return removed.status();
  co_return progress;
}

Task<absl::StatusOr<LoginProgress>> Logins::Step(std::string secret, Login login, LoginEvent event,
                                                 Uuid user_id, LoginBrowser from) {
  FLORIN_CO_ASSIGN_OR_RETURN(const LoginFacts facts, co_await FactsOf(user_id, login));
  LoginProgress progress;
  FLORIN_CO_ASSIGN_OR_RETURN(progress.login,
                             florin::auth::Advance(std::move(login), event, user_id, facts,
                                                   InMicroseconds(parts_.clock.Now())));
  // Whoever takes this step takes it alone: the old secret is void from here on.
  progress.secret = NewSecret();
  FLORIN_CO_ASSIGN_OR_RETURN(
      const bool taken,
      co_await parts_.store.Replace(crypto::Sha256(secret), crypto::Sha256(progress.secret),
                                    progress.login));
  if (!taken) co_return Error(Reason::kLoginStepInvalid, "the step was taken meanwhile");
  if (progress.login.step == LoginStep::kSecond) co_return progress;

  FLORIN_CO_RETURN_IF_ERROR(co_await StartSession(progress, from));
  if (progress.login.step != LoginStep::kDone) co_return progress;
  FLORIN_CO_RETURN_IF_ERROR(co_await Finish(progress, progress.session->session, std::move(from)));
  const auto removed = co_await parts_.store.Remove(crypto::Sha256(progress.secret));
  if (!removed.ok()) co_return removed.status();
  progress.secret.clear();
  co_return progress;
}

Task<absl::Status> Logins::StartSession(LoginProgress& progress, LoginBrowser from) {
  Authentication authentication;
  authentication.user_id = *progress.login.user_id;
  authentication.proofs = progress.login.proofs;
  authentication.auth_time = *progress.login.auth_time;
  absl::StatusOr<OpenSession> session = co_await parts_.sessions.Start(
      authentication, std::move(from.browser), std::move(from.session));
  if (!session.ok()) co_return session.status();
  absl::StatusOr<std::string> device =
      co_await parts_.authenticators.RememberDevice(authentication.user_id);
  if (!device.ok()) co_return device.status();
  progress.device = *std::move(device);
  progress.session = *std::move(session);
  co_return absl::OkStatus();
}

// Gives the app what it asked for, if one asked.
Task<absl::Status> Logins::Finish(LoginProgress& progress, Session session, LoginBrowser from) {
  absl::StatusOr<std::optional<PendingAuthorization>> pending = co_await RequestOf(progress.login);
  if (!pending.ok()) co_return pending.status();
  if (!pending->has_value()) co_return absl::OkStatus();
  AppRequest app = {.request_uri = progress.login.request_uri,
                    .client_id = progress.login.client_id};
  absl::StatusOr<std::string> redirect =
      co_await Answer(std::move(app), std::move(session), **std::move(pending), std::move(from));
  if (!redirect.ok()) co_return redirect.status();
  progress.redirect = *std::move(redirect);
  co_return absl::OkStatus();
}

}  // namespace florin::auth
