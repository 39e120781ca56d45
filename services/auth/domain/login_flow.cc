#include "services/auth/domain/login_flow.h"

#include <utility>

namespace florin::auth {
namespace {

absl::Status WrongStep() {
  return Error(Reason::kLoginStepInvalid, "the login is not at the step that this belongs to");
}

absl::Status TooWeak() {
  return Error(Reason::kStrongerFactorNeeded, "a stronger factor is demanded than was shown");
}

// Where a login goes whose user has shown enough.
LoginStep AfterAuthentication(const Login& login, const LoginFacts& facts) {
  return !login.request_uri.empty() && facts.needs_consent ? LoginStep::kConsent : LoginStep::kDone;
}

absl::StatusOr<Login> ShowPassword(Login login, Uuid user_id, const LoginFacts& facts,
                                   absl::Time now) {
  if (login.step != LoginStep::kFirst) return WrongStep();
  if (login.demand > Strength::kPassword && !facts.has_second_factor) return TooWeak();
  login.user_id = user_id;
  login.proofs = {Proof::kPassword};
  login.auth_time = now;
  // Whoever has set up a second factor shows it always, whatever is demanded.
  login.step = facts.has_second_factor ? LoginStep::kSecond : AfterAuthentication(login, facts);
  return login;
}

absl::StatusOr<Login> ShowCode(Login login, Proof proof, Uuid user_id, const LoginFacts& facts) {
  if (login.step != LoginStep::kSecond || login.user_id != user_id) return WrongStep();
  if (login.demand > Strength::kTwoFactors) return TooWeak();
  login.proofs.Add(proof);
  login.step = AfterAuthentication(login, facts);
  return login;
}

absl::StatusOr<Login> ShowPasskey(Login login, Uuid user_id, const LoginFacts& facts,
                                  absl::Time now) {
  const bool first = login.step == LoginStep::kFirst;
  const bool second = login.step == LoginStep::kSecond && login.user_id == user_id;
  if (!first && !second) return WrongStep();
  if (first) login.auth_time = now;
  login.user_id = user_id;
  login.proofs.Add(Proof::kPasskey);
  login.step = AfterAuthentication(login, facts);
  return login;
}

absl::StatusOr<Login> Decide(Login login, Uuid user_id) {
  if (login.step != LoginStep::kConsent || login.user_id != user_id) return WrongStep();
  login.step = LoginStep::kDone;
  return login;
}

}  // namespace

bool IsOver(const Login& login, absl::Time now) {
  return login.step == LoginStep::kDone || now - login.create_time > kLoginLifetime;
}

absl::StatusOr<Login> Advance(Login login, LoginEvent event, Uuid user_id, const LoginFacts& facts,
                              absl::Time now) {
  if (IsOver(login, now)) return Error(Reason::kLoginExpired, "the login is over; begin again");
  login.ceremony.clear();  // Each challenge is for one step.
  switch (event) {
    case LoginEvent::kPasswordShown:
      return ShowPassword(std::move(login), user_id, facts, now);
    case LoginEvent::kTotpShown:
      return ShowCode(std::move(login), Proof::kTotp, user_id, facts);
    case LoginEvent::kRecoveryCodeShown:
      return ShowCode(std::move(login), Proof::kRecoveryCode, user_id, facts);
    case LoginEvent::kPasskeyShown:
      return ShowPasskey(std::move(login), user_id, facts, now);
    case LoginEvent::kConsentGiven:
    case LoginEvent::kConsentDenied:
      return Decide(std::move(login), user_id);
  }
  return WrongStep();
}

Opening Open(const Session* session, const AuthorizationDemand& demand, const LoginFacts& facts,
             absl::Time now) {
  const bool usable = session != nullptr && StateOf(*session, now) == SessionState::kActive &&
                      !demand.log_in && Meets(*session, Strength::kNone, demand.max_age, now);
  if (!usable) return demand.silent ? Opening::kLoginRequired : Opening::kLogIn;
  if (!Meets(*session, demand.strength, demand.max_age, now)) {
    if (demand.silent) return Opening::kLoginRequired;
    return facts.has_second_factor ? Opening::kStepUp : Opening::kLogIn;
  }
  if (facts.needs_consent || demand.consent) {
    return demand.silent ? Opening::kConsentRequired : Opening::kConsent;
  }
  return Opening::kGrant;
}

Login StepUp(Login login, Uuid user_id, Proofs proofs, absl::Time auth_time) {
  login.step = LoginStep::kSecond;
  login.user_id = user_id;
  login.proofs = proofs;
  login.auth_time = auth_time;
  return login;
}

bool MayVisit(LoginStep step, LoginPage page) {
  switch (page) {
    case LoginPage::kLogIn:
    case LoginPage::kRegister:
      return step == LoginStep::kFirst;
    case LoginPage::kSecondFactor:
      return step == LoginStep::kSecond;
    case LoginPage::kConsent:
      return step == LoginStep::kConsent;
  }
  return false;
}

std::optional<LoginPage> HomeOf(LoginStep step) {
  switch (step) {
    case LoginStep::kFirst:
      return LoginPage::kLogIn;
    case LoginStep::kSecond:
      return LoginPage::kSecondFactor;
    case LoginStep::kConsent:
      return LoginPage::kConsent;
    case LoginStep::kDone:
      break;
  }
  return std::nullopt;
}

}  // namespace florin::auth
