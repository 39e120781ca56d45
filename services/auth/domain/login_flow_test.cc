#include "services/auth/domain/login_flow.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr Uuid kAnn(std::array<std::uint8_t, 16>{1});
constexpr Uuid kBob(std::array<std::uint8_t, 16>{2});

constexpr LoginEvent kEvents[] = {LoginEvent::kPasswordShown,     LoginEvent::kTotpShown,
                                  LoginEvent::kRecoveryCodeShown, LoginEvent::kPasskeyShown,
                                  LoginEvent::kConsentGiven,      LoginEvent::kConsentDenied};
constexpr LoginStep kSteps[] = {LoginStep::kFirst, LoginStep::kSecond, LoginStep::kConsent,
                                LoginStep::kDone};

Login At(LoginStep step, Strength demand = Strength::kPassword, bool app = true) {
  Login login;
  login.step = step;
  login.demand = demand;
  login.create_time = kNow - absl::Minutes(1);
  if (app) login.request_uri = "urn:ietf:params:oauth:request_uri:x";
  if (step != LoginStep::kFirst) {
    login.user_id = kAnn;
    login.proofs = {Proof::kPassword};
    login.auth_time = kNow - absl::Seconds(30);
  }
  return login;
}

absl::StatusOr<LoginStep> StepAfter(const Login& login, LoginEvent event,
                                    const LoginFacts& facts = {}, Uuid user = kAnn) {
  FLORIN_ASSIGN_OR_RETURN(const Login after, Advance(login, event, user, facts, kNow));
  return after.step;
}

// Every event at every step: what is not in the table is refused.
TEST(LoginFlowTest, OnlyTheseEventsLeadOn) {
  for (const LoginStep step : kSteps) {
    for (const LoginEvent event : kEvents) {
      const bool first = step == LoginStep::kFirst && (event == LoginEvent::kPasswordShown ||
                                                       event == LoginEvent::kPasskeyShown);
      const bool second = step == LoginStep::kSecond &&
                          (event == LoginEvent::kTotpShown || event == LoginEvent::kPasskeyShown ||
                           event == LoginEvent::kRecoveryCodeShown);
      const bool consent = step == LoginStep::kConsent && (event == LoginEvent::kConsentGiven ||
                                                           event == LoginEvent::kConsentDenied);
      const auto after = StepAfter(At(step), event);
      if (first || second || consent) {
        EXPECT_THAT(after, IsOk()) << int(step) << " " << int(event);
      } else {
        EXPECT_THAT(after, StatusHasReason(step == LoginStep::kDone ? Reason::kLoginExpired
                                                                    : Reason::kLoginStepInvalid))
            << int(step) << " " << int(event);
      }
    }
  }
}

TEST(LoginFlowTest, LeadsWhereItShould) {
  const LoginFacts plain;
  const LoginFacts second = {.has_second_factor = true};
  const LoginFacts agreed = {.needs_consent = false};
  const struct {
    LoginStep from;
    bool app;
    LoginEvent event;
    LoginFacts facts;
    LoginStep to;
  } cases[] = {
      {LoginStep::kFirst, true, LoginEvent::kPasswordShown, plain, LoginStep::kConsent},
      {LoginStep::kFirst, true, LoginEvent::kPasswordShown, agreed, LoginStep::kDone},
      {LoginStep::kFirst, false, LoginEvent::kPasswordShown, plain, LoginStep::kDone},
      {LoginStep::kFirst, true, LoginEvent::kPasswordShown, second, LoginStep::kSecond},
      {LoginStep::kFirst, false, LoginEvent::kPasswordShown, second, LoginStep::kSecond},
      {LoginStep::kFirst, true, LoginEvent::kPasskeyShown, second, LoginStep::kConsent},
      {LoginStep::kFirst, false, LoginEvent::kPasskeyShown, second, LoginStep::kDone},
      {LoginStep::kSecond, true, LoginEvent::kTotpShown, second, LoginStep::kConsent},
      {LoginStep::kSecond, true, LoginEvent::kTotpShown, agreed, LoginStep::kDone},
      {LoginStep::kSecond, false, LoginEvent::kRecoveryCodeShown, second, LoginStep::kDone},
      {LoginStep::kConsent, true, LoginEvent::kConsentGiven, plain, LoginStep::kDone},
      {LoginStep::kConsent, true, LoginEvent::kConsentDenied, plain, LoginStep::kDone},
  };
  for (const auto& c : cases) {
    const auto to = StepAfter(At(c.from, Strength::kPassword, c.app), c.event, c.facts);
    ASSERT_THAT(to, IsOk());
    EXPECT_EQ(*to, c.to) << int(c.from) << " " << int(c.event);
  }
}

TEST(LoginFlowTest, WhatIsDemandedIsShown) {
  const LoginFacts second = {.has_second_factor = true};
  // A password does not do where two factors are demanded and there is no other.
  EXPECT_THAT(StepAfter(At(LoginStep::kFirst, Strength::kTwoFactors), LoginEvent::kPasswordShown),
              StatusHasReason(Reason::kStrongerFactorNeeded));
  EXPECT_THAT(
      StepAfter(At(LoginStep::kFirst, Strength::kTwoFactors), LoginEvent::kPasswordShown, second),
      IsOk());
  // Codes can be phished.
  for (const LoginEvent code : {LoginEvent::kTotpShown, LoginEvent::kRecoveryCodeShown}) {
    EXPECT_THAT(StepAfter(At(LoginStep::kSecond, Strength::kPhishingResistant), code, second),
                StatusHasReason(Reason::kStrongerFactorNeeded));
  }
  EXPECT_THAT(StepAfter(At(LoginStep::kSecond, Strength::kPhishingResistant),
                        LoginEvent::kPasskeyShown, second),
              IsOk());
}

TEST(LoginFlowTest, AnothersProofDoesNotLeadOn) {
  for (const LoginEvent event :
       {LoginEvent::kTotpShown, LoginEvent::kRecoveryCodeShown, LoginEvent::kPasskeyShown}) {
    EXPECT_THAT(StepAfter(At(LoginStep::kSecond), event, {}, kBob),
                StatusHasReason(Reason::kLoginStepInvalid));
  }
  EXPECT_THAT(StepAfter(At(LoginStep::kConsent), LoginEvent::kConsentGiven, {}, kBob),
              StatusHasReason(Reason::kLoginStepInvalid));
}

TEST(LoginFlowTest, NotesWhatWasShownAndWhen) {
  const LoginFacts second = {.has_second_factor = true};
  Login login = At(LoginStep::kFirst);
  login.ceremony = "chl";
  login = Advance(login, LoginEvent::kPasswordShown, kAnn, second, kNow).value();
  EXPECT_EQ(login.user_id, kAnn);
  EXPECT_EQ(login.proofs, Proofs({Proof::kPassword}));
  EXPECT_EQ(login.auth_time, kNow);
  EXPECT_EQ(login.ceremony, "");
  login = Advance(login, LoginEvent::kTotpShown, kAnn, second, kNow + absl::Minutes(1)).value();
  EXPECT_EQ(login.proofs, Proofs({Proof::kPassword, Proof::kTotp}));
  // The older of the two proofs says how old the authentication is.
  EXPECT_EQ(login.auth_time, kNow);
}

TEST(LoginFlowTest, EndsAfterFifteenMinutes) {
  Login login = At(LoginStep::kFirst);
  login.create_time = kNow - absl::Minutes(15);
  EXPECT_THAT(StepAfter(login, LoginEvent::kPasswordShown), IsOk());
  login.create_time -= absl::Seconds(1);
  EXPECT_THAT(StepAfter(login, LoginEvent::kPasswordShown), StatusHasReason(Reason::kLoginExpired));
}

TEST(OpeningTest, AsksForWhatIsMissing) {
  Session session;
  session.proofs = {Proof::kPassword};
  session.create_time = session.auth_time = kNow - absl::Minutes(10);
  session.active_time = kNow - absl::Seconds(10);
  Session idle = session;
  idle.active_time = kNow - absl::Seconds(301);
  Session expired = session;
  expired.auth_time = kNow - absl::Hours(13);
  Session strong = session;
  strong.proofs = {Proof::kPasskey};
  const AuthorizationDemand any;
  const AuthorizationDemand mfa = {.strength = Strength::kTwoFactors};
  const AuthorizationDemand fresh = {.max_age = absl::Minutes(9)};
  const AuthorizationDemand aged = {.max_age = absl::Minutes(10)};
  const AuthorizationDemand zero = {.max_age = absl::ZeroDuration()};
  const AuthorizationDemand again = {.log_in = true};
  const AuthorizationDemand ask = {.consent = true};
  const AuthorizationDemand silent = {.silent = true};
  const AuthorizationDemand silent_mfa = {.strength = Strength::kTwoFactors, .silent = true};
  const AuthorizationDemand silent_fresh = {.max_age = absl::Minutes(9), .silent = true};
  const LoginFacts agreed = {.needs_consent = false};
  const LoginFacts second = {.has_second_factor = true, .needs_consent = false};
  const LoginFacts unasked = {.needs_consent = true};
  const struct {
    const Session* session;
    AuthorizationDemand demand;
    LoginFacts facts;
    Opening opening;
  } cases[] = {
      {nullptr, any, agreed, Opening::kLogIn},
      {nullptr, silent, agreed, Opening::kLoginRequired},
      {&idle, any, agreed, Opening::kLogIn},
      {&idle, silent, agreed, Opening::kLoginRequired},
      {&expired, any, agreed, Opening::kLogIn},
      {&session, any, agreed, Opening::kGrant},
      {&session, any, unasked, Opening::kConsent},
      {&session, ask, agreed, Opening::kConsent},
      {&session, silent, agreed, Opening::kGrant},
      {&session, silent, unasked, Opening::kConsentRequired},
      {&session, again, agreed, Opening::kLogIn},
      {&session, fresh, agreed, Opening::kLogIn},
      {&session, aged, agreed, Opening::kGrant},
      {&session, zero, agreed, Opening::kLogIn},
      {&session, silent_fresh, agreed, Opening::kLoginRequired},
      {&session, mfa, second, Opening::kStepUp},
      {&session, mfa, agreed, Opening::kLogIn},
      {&session, silent_mfa, second, Opening::kLoginRequired},
      {&strong, mfa, second, Opening::kGrant},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Open(c.session, c.demand, c.facts, kNow), c.opening) << &c - cases;
  }
}

TEST(LoginFlowTest, AStepUpBeginsAtTheSecondStep) {
  const Login login = StepUp(At(LoginStep::kFirst, Strength::kTwoFactors), kAnn, {Proof::kPassword},
                             kNow - absl::Minutes(2));
  EXPECT_EQ(login.step, LoginStep::kSecond);
  const auto after = Advance(login, LoginEvent::kTotpShown, kAnn, {}, kNow);
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(StrengthOf(after->proofs), Strength::kTwoFactors);
  EXPECT_EQ(after->auth_time, kNow - absl::Minutes(2));
}

TEST(LoginFlowTest, EachStepHasItsPages) {
  for (const LoginStep step : kSteps) {
    EXPECT_EQ(MayVisit(step, LoginPage::kLogIn), step == LoginStep::kFirst);
    EXPECT_EQ(MayVisit(step, LoginPage::kRegister), step == LoginStep::kFirst);
    EXPECT_EQ(MayVisit(step, LoginPage::kSecondFactor), step == LoginStep::kSecond);
    EXPECT_EQ(MayVisit(step, LoginPage::kConsent), step == LoginStep::kConsent);
    const auto home = HomeOf(step);
    EXPECT_EQ(home.has_value(), step != LoginStep::kDone);
    EXPECT_TRUE(!home || MayVisit(step, *home));
  }
}

}  // namespace
}  // namespace florin::auth
