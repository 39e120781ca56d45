#include "services/auth/flow/authenticators.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/totp.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/test_authenticators.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace json = boost::json;

constexpr char kEmail[] = "ann@example.com";
constexpr char kPassword[] = "correct horse battery";
constexpr char kWrong[] = "incorrect horse battery";
const Network kHome = {.address = "192.0.2.1"};

// What a browser really sent; see libs/crypto/testdata/webauthn.json.
const json::object& Vector(int i) {
  static const json::value file = [] {
    std::ifstream in(std::string(std::getenv("FLORIN_SOURCE_DIR")) +
                     "/libs/crypto/testdata/webauthn.json");
    std::ostringstream text;
    text << in.rdbuf();
    return json::parse(text.str());
  }();
  return file.as_object().at("passkeys").as_array().at(i).as_object();
}
std::string Text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}
std::string Octets(const json::object& object, const char* name) {
  return crypto::Base64UrlDecode(Text(object, name)).value();
}

class AuthenticatorsTest : public ::testing::Test {
 protected:
  AuthenticatorsTest() { user_id_ = AddUser(kEmail, SystemIds().NewId()); }
  ~AuthenticatorsTest() override { runtime_.Stop(); }

  Authenticators& authenticators() { return test_.authenticators; }
  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }

  Uuid AddUser(const std::string& email, Uuid user_id) {
    User user{.user_id = user_id,
              .email = email,
              .password_hash = Run(test_.hasher.Hash(kPassword)).value(),
              .create_time = clock_.Now()};
    Run(test_.users.Register({.idempotency_key = email, .user = user})).value();
    return user_id;
  }
  absl::StatusOr<VerifiedUser> LogIn(const std::string& email, const std::string& password,
                                     const Network& network = kHome) {
    return Run(authenticators().VerifyPassword(email, password, network));
  }

  std::string Secret() {
    const TotpSecret sealed = *Run(test_.store.FindTotp(user_id_)).value();
    return test_.data_keys
        .Open(sealed.sealed, "auth.totp_secrets.sealed_secret." + sealed.factor_id.ToString())
        .value();
  }
  std::string Code(int step = 0) {
    const std::int64_t counter = crypto::TotpCounter(clock_.Now()) + step;
    return crypto::HotpCode(Secret(), static_cast<std::uint64_t>(counter), 6);
  }
  // With the codes of now and before used up.
  void EnrolTotp() {
    ASSERT_THAT(Run(authenticators().BeginTotp(user_id_)), IsOk());
    ASSERT_THAT(Run(authenticators().ConfirmTotp(user_id_, Code())), IsOk());
    clock_.Advance(absl::Minutes(1));
  }
  absl::StatusOr<Uuid> VerifyTotp(const std::string& code, const Network& network = kHome) {
    return Run(authenticators().VerifyTotp(user_id_, code, network));
  }

  // The user of a vector, whose passkey is registered.
  Uuid EnrolPasskey(int i) {
    const std::string handle = Octets(Vector(i), "user_handle");
    std::array<std::uint8_t, 16> bytes;
    std::copy(handle.begin(), handle.end(), bytes.begin());
    const Uuid user_id = AddUser("passkey" + std::to_string(i) + "@example.com", Uuid(bytes));
    const auto factor = RegisterPasskey(user_id, i);
    EXPECT_THAT(factor, IsOk());
    return user_id;
  }
  absl::StatusOr<Factor> RegisterPasskey(Uuid user_id, int i, const std::string& label = "Phone") {
    const json::object& registration = Vector(i).at("registration").as_object();
    const Uuid id = PutChallenge("passkey_registration", user_id, registration);
    return Run(authenticators().FinishPasskeyRegistration(user_id, id,
                                                          Text(registration, "credential"), label));
  }
  Uuid PutChallenge(const char* purpose, std::optional<Uuid> user_id, const json::object& step) {
    const Challenge challenge{.challenge_id = SystemIds().NewId(),
                              .purpose = purpose,
                              .user_id = user_id,
                              .octets = Octets(step, "challenge"),
                              .expire_time = clock_.Now() + absl::Minutes(5)};
    Run(test_.store.PutChallenge(challenge, clock_.Now())).value();
    return challenge.challenge_id;
  }
  const json::object& Assertion(int passkey, int i) {
    return Vector(passkey).at("assertions").as_array().at(i).as_object();
  }

  // The token in the message with that number.
  std::string TokenOf(std::size_t number) {
    const Mail mail = test_.mail.Wait(number);
    const std::size_t at = mail.body.find("?token=") + 7;
    return mail.body.substr(at, mail.body.find('\n', at) - at);
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  TestAuthenticators test_{clock_};
  Uuid user_id_;
};

// --- Passwords and throttles ---

TEST_F(AuthenticatorsTest, EveryAttemptCostsOneHash) {
  const auto cost = [this](const std::string& email, const std::string& password) {
    const std::int64_t before = test_.hasher.hashes();
    (void)LogIn(email, password);
    return test_.hasher.hashes() - before;
  };
  for (int i = 0; i < 7; ++i) {  // The last ones in a block.
    EXPECT_EQ(cost(kEmail, kWrong), 1);
    EXPECT_EQ(cost("nobody@example.com", kWrong), 1);
    EXPECT_EQ(cost("no address", kWrong), 1);
  }
  EXPECT_EQ(cost(kEmail, kPassword), 1);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(cost(kEmail, kPassword), 1);
}

TEST_F(AuthenticatorsTest, ABlockAnswersAsAWrongPasswordDoes) {
  ASSERT_THAT(LogIn(kEmail, kPassword), IsOk());
  const absl::Status wrong = LogIn(kEmail, kWrong).status();
  EXPECT_THAT(wrong, StatusHasReason(Reason::kInvalidCredentials));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(LogIn(kEmail, kWrong).status(), wrong);
  EXPECT_EQ(LogIn(kEmail, kPassword).status(), wrong);  // The sixth, and right.
  EXPECT_EQ(LogIn("nobody@example.com", kWrong).status(), wrong);
  clock_.Advance(absl::Minutes(30) - absl::Microseconds(1));
  EXPECT_EQ(LogIn(kEmail, kPassword).status(), wrong);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_THAT(LogIn(kEmail, kPassword), IsOk());
}

TEST_F(AuthenticatorsTest, ASuccessForgetsFailures) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(LogIn(kEmail, kWrong).ok());
    EXPECT_THAT(LogIn(kEmail, kPassword), IsOk());
  }
}

TEST_F(AuthenticatorsTest, NobodyIsLockedOutOfAKnownDevice) {
  const std::string device = Run(authenticators().RememberDevice(user_id_)).value();
  const Network known = {.address = "192.0.2.1", .device = device};
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(LogIn(kEmail, kWrong).ok());
  EXPECT_FALSE(LogIn(kEmail, kPassword).ok());
  EXPECT_THAT(LogIn(kEmail, kPassword, known), IsOk());
  // Its own counter stops whoever has taken it.
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(LogIn(kEmail, kWrong, known).ok());
  EXPECT_FALSE(LogIn(kEmail, kPassword, known).ok());
  // A device that somebody else knows is a stranger's.
  const Uuid bob = AddUser("bob@example.com", SystemIds().NewId());
  const Network bobs = {.address = "198.51.100.1",
                        .device = Run(authenticators().RememberDevice(bob)).value()};
  EXPECT_FALSE(LogIn(kEmail, kPassword, bobs).ok());
}

TEST_F(AuthenticatorsTest, ANetworkThatTriesManyAccountsIsBlocked) {
  for (int i = 0; i < 50; ++i) {
    (void)LogIn("nobody" + std::to_string(i) + "@example.com", kWrong, {.address = "192.0.2.9"});
  }
  EXPECT_FALSE(LogIn(kEmail, kPassword, {.address = "192.0.2.200"}).ok());
  EXPECT_THAT(LogIn(kEmail, kPassword, {.address = "192.0.3.9"}), IsOk());
}

TEST_F(AuthenticatorsTest, AnOverloadIsNobodysFailure) {
  PasswordHasher full({.threads = 0, .max_waiting = 0}, kCheapPassword);
  Authenticators overloaded({.users = test_.users,
                             .store = test_.store,
                             .throttles = test_.throttles,
                             .tokens = test_.tokens,
                             .hasher = full,
                             .password_rules = test_.rules,
                             .data_keys = test_.data_keys,
                             .mail = test_.mail,
                             .sessions = test_.sessions,
                             .audit = test_.audit,
                             .clock = clock_,
                             .ids = SystemIds()},
                            {});
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(Run(overloaded.VerifyPassword(kEmail, kPassword, kHome)),
                StatusHasReason(Reason::kOverloaded));
  }
  EXPECT_THAT(LogIn(kEmail, kPassword), IsOk());
}

TEST_F(AuthenticatorsTest, EveryProofIsRecordedAndFromWhere) {
  Run(authenticators().BeginTotp(user_id_)).value();
  Run(authenticators().ConfirmTotp(user_id_, Code())).value();
  clock_.Advance(absl::Seconds(30));
  const Network from = {.address = "192.0.2.1", .caller = "gateway", .request_id = "req_1"};
  EXPECT_FALSE(Run(authenticators().VerifyTotp(user_id_, "000000", from)).ok());
  EXPECT_THAT(Run(authenticators().VerifyTotp(user_id_, Code(), from)), IsOk());
  EXPECT_FALSE(Run(authenticators().UseRecoveryCode(user_id_, "aaaa", from)).ok());
  const std::vector<audit::Event> events = test_.audit.events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].action, "auth.totp.verify");
  EXPECT_EQ(events[0].decision, audit::Decision::kRefused);
  EXPECT_EQ(events[0].actor, "");
  EXPECT_EQ(events[0].origin.client_address, "192.0.2.1");
  EXPECT_EQ(events[0].origin.request_id, "req_1");
  EXPECT_EQ(events[1].decision, audit::Decision::kAllowed);
  EXPECT_EQ(events[1].actor, FormatId(IdKind::kUser, user_id_));
  EXPECT_EQ(events[2].action, "auth.recovery_code.use");
  EXPECT_EQ(events[2].decision, audit::Decision::kRefused);
}

TEST_F(AuthenticatorsTest, ANewNetworkIsTold) {
  const auto is_new = [&] { return test_.audit.events().back().details.contains("new_network"); };
  LogIn(kEmail, kPassword, {.address = "192.0.2.1"}).value();
  EXPECT_FALSE(is_new()) << "there is no other yet";
  LogIn(kEmail, kPassword, {.address = "192.0.2.200"}).value();
  EXPECT_FALSE(is_new()) << "the same /24";
  LogIn(kEmail, "incorrect horse battery", {.address = "198.51.100.1"}).IgnoreError();
  LogIn(kEmail, kPassword, {.address = "198.51.100.1"}).value();
  EXPECT_TRUE(is_new());
  EXPECT_THAT(test_.mail.Wait(1).body, HasSubstr("a network that is new"));
  LogIn(kEmail, kPassword, {.address = "198.51.100.1"}).value();
  EXPECT_FALSE(is_new());
  LogIn(kEmail, kPassword, Network()).value();
  EXPECT_FALSE(is_new()) << "nobody knows from where";
}

TEST_F(AuthenticatorsTest, NoProofCountsUnrecorded) {
  test_.audit.SetAnswer(Error(Reason::kUnavailable, "no database"));
  EXPECT_THAT(LogIn(kEmail, kPassword), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Run(authenticators().VerifyTotp(user_id_, "000000", kHome)),
              StatusHasReason(Reason::kUnavailable));
}

// --- One-time codes ---

TEST_F(AuthenticatorsTest, OneTimeCodesAreInForceOnceConfirmed) {
  const auto enrolment = Run(authenticators().BeginTotp(user_id_));
  ASSERT_THAT(enrolment, IsOk());
  EXPECT_EQ(enrolment->secret, crypto::Base32Encode(Secret()));
  EXPECT_THAT(enrolment->uri,
              HasSubstr("otpauth://totp/Florin:ann%40example.com?secret=" + enrolment->secret));
  EXPECT_THAT(LogIn(kEmail, kPassword)->second_factors, IsEmpty());
  EXPECT_FALSE(VerifyTotp(Code()).ok());
  EXPECT_THAT(Run(authenticators().ConfirmTotp(user_id_, "000000")),
              StatusHasReason(Reason::kInvalidCode));
  const std::string code = Code();
  const auto factor = Run(authenticators().ConfirmTotp(user_id_, code));
  ASSERT_THAT(factor, IsOk());
  EXPECT_THAT(LogIn(kEmail, kPassword)->second_factors, ElementsAre(FactorKind::kTotp));
  EXPECT_FALSE(VerifyTotp(code).ok());  // The one that confirmed counts, too.
  EXPECT_THAT(Run(authenticators().BeginTotp(user_id_)), StatusHasReason(Reason::kFactorExists));
  EXPECT_THAT(Run(authenticators().ConfirmTotp(user_id_, Code(1))),
              StatusHasReason(Reason::kChallengeExpired));
  EXPECT_THAT(test_.mail.Wait(1).body, HasSubstr("One-time codes were set up"));
}

TEST_F(AuthenticatorsTest, AnEnrolmentEndsAfterHalfAnHour) {
  ASSERT_THAT(Run(authenticators().BeginTotp(user_id_)), IsOk());
  clock_.Advance(absl::Minutes(30));
  EXPECT_THAT(Run(authenticators().ConfirmTotp(user_id_, Code())),
              StatusHasReason(Reason::kChallengeExpired));
}

TEST_F(AuthenticatorsTest, ACodeCountsOnceAndNoneBeforeIt) {
  EnrolTotp();
  const std::string before = Code(-1);
  const std::string code = Code();
  const auto accepted = VerifyTotp(code);
  ASSERT_THAT(accepted, IsOk());
  EXPECT_THAT(VerifyTotp(code), StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_FALSE(VerifyTotp(before).ok());
  EXPECT_THAT(VerifyTotp(Code(1)), IsOk());
  EXPECT_FALSE(VerifyTotp(Code(2)).ok());  // Too early.
}

TEST_F(AuthenticatorsTest, OfFiftyCallsWithOneCodeOneIsAccepted) {
  EnrolTotp();
  const std::string code = Code();
  std::vector<std::future<absl::StatusOr<Uuid>>> answers;
  for (int i = 0; i < 50; ++i) {
    answers.push_back(asio::co_spawn(
        runtime_.context(), authenticators().VerifyTotp(user_id_, code, kHome), asio::use_future));
  }
  int accepted = 0;
  for (auto& answer : answers) accepted += answer.get().ok();
  EXPECT_EQ(accepted, 1);
}

TEST_F(AuthenticatorsTest, CodesAreThrottledAndARightPasswordDoesNotHelp) {
  EnrolTotp();
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(VerifyTotp("000000").ok());
    EXPECT_THAT(LogIn(kEmail, kPassword), IsOk());
  }
  const std::string code = Code();
  EXPECT_THAT(VerifyTotp(code), StatusHasReason(Reason::kInvalidCredentials));
  const std::string device = Run(authenticators().RememberDevice(user_id_)).value();
  // The block used nothing up.
  EXPECT_THAT(VerifyTotp(code, {.device = device}), IsOk());
}

// --- Recovery codes ---

TEST_F(AuthenticatorsTest, ARecoveryCodeWorksOnceHoweverItIsWritten) {
  const auto codes = Run(authenticators().IssueRecoveryCodes(user_id_));
  ASSERT_THAT(codes, IsOk());
  ASSERT_EQ(codes->size(), 10u);
  EXPECT_EQ(std::set<std::string>(codes->begin(), codes->end()).size(), 10u);
  for (const std::string& code : *codes) EXPECT_EQ(code.size(), 19u) << code;  // 80 bits.
  const auto use = [this](const std::string& code) {
    return Run(authenticators().UseRecoveryCode(user_id_, code, kHome));
  };
  EXPECT_EQ(use(codes->at(0)).value(), 9);
  EXPECT_THAT(use(codes->at(0)), StatusHasReason(Reason::kInvalidCredentials));
  std::string shouted = " ";
  for (const char c : codes->at(1)) {
    if (c != '-') shouted += static_cast<char>(c == '0' ? 'O' : c == '1' ? 'L' : std::toupper(c));
  }
  EXPECT_EQ(use(shouted).value(), 8);
  EXPECT_FALSE(use("").ok());
  // Recovery codes alone are no second factor.
  EXPECT_THAT(LogIn(kEmail, kPassword)->second_factors, IsEmpty());
}

TEST_F(AuthenticatorsTest, NewRecoveryCodesVoidTheOlderAndAreTheUsersOnly) {
  const auto older = Run(authenticators().IssueRecoveryCodes(user_id_)).value();
  const auto newer = Run(authenticators().IssueRecoveryCodes(user_id_)).value();
  EXPECT_FALSE(Run(authenticators().UseRecoveryCode(user_id_, older[0], kHome)).ok());
  const Uuid bob = AddUser("bob@example.com", SystemIds().NewId());
  EXPECT_FALSE(Run(authenticators().UseRecoveryCode(bob, newer[0], kHome)).ok());
  EXPECT_THAT(Run(authenticators().UseRecoveryCode(user_id_, newer[0], kHome)), IsOk());
}

// --- Passkeys ---

TEST_F(AuthenticatorsTest, APasskeyLogsItsUserIn) {
  for (int i = 0; i < 3; ++i) {
    const Uuid user_id = EnrolPasskey(i);
    for (int use = 0; use < 2; ++use) {
      const Uuid id = PutChallenge("passkey_login", std::nullopt, Assertion(i, use));
      const auto verified =
          Run(authenticators().FinishPasskeyLogin(id, Text(Assertion(i, use), "credential")));
      ASSERT_THAT(verified, IsOk());
      EXPECT_EQ(verified->user_id, user_id);
      // The challenge is used up.
      EXPECT_THAT(
          Run(authenticators().FinishPasskeyLogin(id, Text(Assertion(i, use), "credential"))),
          StatusHasReason(Reason::kInvalidCredentials));
    }
    // The first one again, with a challenge as if it were open: the counter says it is old.
    const Uuid id = PutChallenge("passkey_login", std::nullopt, Assertion(i, 0));
    EXPECT_THAT(Run(authenticators().FinishPasskeyLogin(id, Text(Assertion(i, 0), "credential"))),
                StatusHasReason(Reason::kInvalidCredentials));
  }
}

TEST_F(AuthenticatorsTest, APasskeyOfAnotherUserIsRefused) {
  // The credential is registered to Ann; its authenticator says that it is somebody else's.
  ASSERT_THAT(RegisterPasskey(user_id_, 0), IsOk());
  const Uuid id = PutChallenge("passkey_login", std::nullopt, Assertion(0, 0));
  EXPECT_THAT(Run(authenticators().FinishPasskeyLogin(id, Text(Assertion(0, 0), "credential"))),
              StatusHasReason(Reason::kInvalidCredentials));
}

TEST_F(AuthenticatorsTest, AnAnswerFitsOnlyItsCeremony) {
  EnrolPasskey(0);
  const json::object& assertion = Assertion(0, 0);
  const std::string credential = Text(assertion, "credential");
  const auto finish = [&](Uuid id) {
    return Run(authenticators().FinishPasskeyLogin(id, credential));
  };
  EXPECT_FALSE(finish(SystemIds().NewId()).ok());
  EXPECT_FALSE(finish(PutChallenge("passkey_registration", std::nullopt, assertion)).ok());
  EXPECT_FALSE(finish(PutChallenge("passkey_login", user_id_, assertion)).ok());
  EXPECT_FALSE(finish(PutChallenge("passkey_login", std::nullopt, Assertion(0, 1))).ok());
  const auto begun = Run(authenticators().BeginPasskeyLogin());
  ASSERT_THAT(begun, IsOk());
  EXPECT_FALSE(finish(begun->challenge_id).ok());
  const Uuid late = PutChallenge("passkey_login", std::nullopt, assertion);
  clock_.Advance(absl::Minutes(5));
  EXPECT_FALSE(finish(late).ok());
}

TEST_F(AuthenticatorsTest, CeremoniesHaveFreshChallenges) {
  const auto first = Run(authenticators().BeginPasskeyRegistration(user_id_)).value();
  const auto second = Run(authenticators().BeginPasskeyRegistration(user_id_)).value();
  const auto challenge = [](const Ceremony& ceremony) {
    return Octets(json::parse(ceremony.options).as_object(), "challenge");
  };
  EXPECT_EQ(challenge(first).size(), 32u);
  EXPECT_NE(challenge(first), challenge(second));
  EXPECT_NE(challenge(Run(authenticators().BeginPasskeyLogin()).value()),
            challenge(Run(authenticators().BeginPasskeyLogin()).value()));
}

TEST_F(AuthenticatorsTest, ARegistrationIsRefusedForWhatIsWrong) {
  EXPECT_THAT(RegisterPasskey(user_id_, 0, ""), StatusHasParam("label"));
  EXPECT_THAT(RegisterPasskey(user_id_, 0, std::string(65, 'x')), StatusHasParam("label"));
  const auto begun = Run(authenticators().BeginPasskeyRegistration(user_id_)).value();
  const std::string credential = Text(Vector(0).at("registration").as_object(), "credential");
  EXPECT_THAT(Run(authenticators().FinishPasskeyRegistration(user_id_, begun.challenge_id,
                                                             credential, "Phone")),
              StatusHasReason(Reason::kPasskeyRefused));
  EXPECT_THAT(Run(authenticators().FinishPasskeyRegistration(user_id_, begun.challenge_id,
                                                             credential, "Phone")),
              StatusHasReason(Reason::kChallengeExpired));
  ASSERT_THAT(RegisterPasskey(user_id_, 0), IsOk());
  EXPECT_THAT(RegisterPasskey(user_id_, 0), StatusHasReason(Reason::kFactorExists));
}

TEST_F(AuthenticatorsTest, TwentyPasskeysAreEnough) {
  for (int i = 0; i < 20; ++i) {
    Passkey passkey{.factor_id = SystemIds().NewId(),
                    .user_id = user_id_,
                    .credential_id = crypto::RandomOctets(16)};
    Run(test_.store.AddPasskey(passkey, SomeEvent())).value();
  }
  EXPECT_THAT(Run(authenticators().BeginPasskeyRegistration(user_id_)),
              StatusHasReason(Reason::kTooManyFactors));
}

TEST_F(AuthenticatorsTest, RemovingAFactorEndsSessions) {
  const Factor factor = RegisterPasskey(user_id_, 0).value();
  const Uuid bob = AddUser("bob@example.com", SystemIds().NewId());
  EXPECT_THAT(Run(authenticators().RemoveFactor(bob, factor.factor_id)),
              StatusHasReason(Reason::kFactorNotFound));
  EXPECT_THAT(test_.sessions.ended, IsEmpty());
  test_.sessions.fail = true;
  EXPECT_THAT(Run(authenticators().RemoveFactor(user_id_, factor.factor_id)),
              StatusHasReason(Reason::kUnavailable));
  test_.sessions.fail = false;
  EXPECT_THAT(Run(authenticators().RemoveFactor(user_id_, factor.factor_id)), IsOk());
  EXPECT_THAT(test_.sessions.ended, ElementsAre(user_id_));
  EXPECT_THAT(Run(authenticators().ListFactors(user_id_)).value(), IsEmpty());
}

// --- E-mailed tokens ---

TEST_F(AuthenticatorsTest, AnEmailedTokenSetsANewPasswordOnce) {
  EnrolTotp();
  test_.mail.Wait(1);  // Of the enrolment.
  ASSERT_THAT(Run(authenticators().RequestPasswordReset("Ann@Example.com", kHome)), IsOk());
  EXPECT_EQ(test_.mail.Wait(2).to, kEmail);
  const std::string token = TokenOf(2);
  EXPECT_EQ(token.size(), 43u);
  const auto reset = [&](const std::string& with, const std::string& password) {
    return Run(authenticators().ResetPassword(with, password));
  };
  EXPECT_THAT(reset(token + "x", "a new password now"),
              StatusHasReason(Reason::kEmailTokenInvalid));
  EXPECT_THAT(reset(token, "letmeinletmein1"), StatusHasReason(Reason::kWeakPassword));
  // A reset clears what guesses at the old password have blocked.
  for (int i = 0; i < 6; ++i) (void)LogIn(kEmail, kWrong);
  test_.sessions.fail = true;
  EXPECT_THAT(reset(token, "a new password now"), StatusHasReason(Reason::kUnavailable));
  test_.sessions.fail = false;
  EXPECT_THAT(reset(token, "another password"), StatusHasReason(Reason::kEmailTokenInvalid));
  EXPECT_THAT(reset(token, "a new password now"), IsOk());  // The same again finishes.
  EXPECT_THAT(test_.sessions.ended, ElementsAre(user_id_));
  clock_.Advance(absl::Minutes(30));
  EXPECT_THAT(LogIn(kEmail, "a new password now")->second_factors,
              ElementsAre(FactorKind::kTotp));  // Still there.
  EXPECT_FALSE(LogIn(kEmail, kPassword).ok());
}

TEST_F(AuthenticatorsTest, AResetLiftsTheBlockOfTheOldPassword) {
  for (int i = 0; i < 6; ++i) (void)LogIn(kEmail, kWrong);
  ASSERT_THAT(Run(authenticators().RequestPasswordReset(kEmail, kHome)), IsOk());
  ASSERT_THAT(Run(authenticators().ResetPassword(TokenOf(1), "a new password now")), IsOk());
  EXPECT_THAT(LogIn(kEmail, "a new password now"), IsOk());
}

TEST_F(AuthenticatorsTest, ATokenIsVoidAfterHalfAnHourAndWhenReplaced) {
  ASSERT_THAT(Run(authenticators().RequestPasswordReset(kEmail, kHome)), IsOk());
  const std::string first = TokenOf(1);
  ASSERT_THAT(Run(authenticators().RequestPasswordReset(kEmail, kHome)), IsOk());
  const std::string second = TokenOf(2);
  EXPECT_THAT(Run(authenticators().ResetPassword(first, "a new password now")),
              StatusHasReason(Reason::kEmailTokenInvalid));
  clock_.Advance(absl::Minutes(30));
  EXPECT_THAT(Run(authenticators().ResetPassword(second, "a new password now")),
              StatusHasReason(Reason::kEmailTokenInvalid));
}

TEST_F(AuthenticatorsTest, AskingSaysNothingAndSendsThreeAtMost) {
  for (const char* email : {"nobody@example.com", "no address", ""}) {
    EXPECT_THAT(Run(authenticators().RequestPasswordReset(email, kHome)), IsOk());
  }
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(Run(authenticators().RequestPasswordReset(kEmail, kHome)), IsOk());
  }
  test_.mail.Wait(3);
  runtime_.Stop();
  EXPECT_EQ(test_.mail.count(), 3u);
}

TEST_F(AuthenticatorsTest, AnEmailedTokenVerifiesTheAddress) {
  ASSERT_THAT(Run(authenticators().RequestEmailVerification(user_id_)), IsOk());
  const std::string token = TokenOf(1);
  EXPECT_THAT(Run(authenticators().ResetPassword(token, "a new password now")),
              StatusHasReason(Reason::kEmailTokenInvalid));
  EXPECT_THAT(Run(authenticators().VerifyEmail(token)), IsOk());
  EXPECT_THAT(Run(authenticators().VerifyEmail(token)),
              StatusHasReason(Reason::kEmailTokenInvalid));
}

// --- Approvals ---

TEST_F(AuthenticatorsTest, AnApprovalIsOfItsTextAndEndsOnce) {
  EnrolTotp();
  const auto begin = [this] {
    return Run(authenticators().BeginApproval(user_id_, "1250 EUR to Bob")).value().approval_id;
  };
  const auto finish = [this](Uuid id, const std::string& octets, const std::string& code) {
    return Run(authenticators().FinishApproval(user_id_, id, octets, {.totp_code = code}, kHome));
  };
  const Uuid changed = begin();
  EXPECT_THAT(finish(changed, "1251 EUR to Bob", Code()),
              StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_THAT(finish(changed, "1250 EUR to Bob", Code()),
              StatusHasReason(Reason::kChallengeExpired));  // Used up.
  const Uuid good = begin();
  EXPECT_THAT(finish(good, "1250 EUR to Bob", "000000"),
              StatusHasReason(Reason::kInvalidCredentials));
  const auto approval = finish(good, "1250 EUR to Bob", Code());
  ASSERT_THAT(approval, IsOk());
  EXPECT_EQ(approval->kind, FactorKind::kTotp);
  EXPECT_THAT(finish(good, "1250 EUR to Bob", Code(1)), StatusHasReason(Reason::kChallengeExpired));
  const Uuid late = begin();
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(finish(late, "1250 EUR to Bob", Code()), StatusHasReason(Reason::kChallengeExpired));
}

TEST_F(AuthenticatorsTest, AnApprovalIsItsUsersAndNeedsOneProof) {
  EXPECT_THAT(Run(authenticators().BeginApproval(user_id_, "text")),
              StatusHasReason(Reason::kSecondFactorRequired));
  EnrolTotp();
  EXPECT_FALSE(Run(authenticators().BeginApproval(user_id_, "")).ok());
  EXPECT_FALSE(Run(authenticators().BeginApproval(user_id_, std::string(4097, 'x'))).ok());
  const auto ceremony = Run(authenticators().BeginApproval(user_id_, "text")).value();
  EXPECT_TRUE(ceremony.totp);
  EXPECT_EQ(ceremony.options, "");
  const Uuid bob = AddUser("bob@example.com", SystemIds().NewId());
  EXPECT_THAT(Run(authenticators().FinishApproval(bob, ceremony.approval_id, "text",
                                                  {.totp_code = Code()}, kHome)),
              StatusHasReason(Reason::kChallengeExpired));
  EXPECT_THAT(
      Run(authenticators().FinishApproval(user_id_, ceremony.approval_id, "text", {}, kHome)),
      StatusHasParam("proof"));
  EXPECT_THAT(
      Run(authenticators().FinishApproval(user_id_, ceremony.approval_id, "text",
                                          {.credential = "{}", .totp_code = Code()}, kHome)),
      StatusHasParam("proof"));
}

// Signed for another challenge: a login cannot be passed off as an approval.
TEST_F(AuthenticatorsTest, ALoginsAssertionApprovesNothing) {
  const Uuid user_id = EnrolPasskey(0);
  const auto ceremony = Run(authenticators().BeginApproval(user_id, "text")).value();
  EXPECT_FALSE(ceremony.totp);
  EXPECT_THAT(ceremony.options, HasSubstr("\"allowCredentials\":[{\"type\":\"public-key\""));
  EXPECT_THAT(Run(authenticators().FinishApproval(
                  user_id, ceremony.approval_id, "text",
                  {.credential = Text(Assertion(0, 0), "credential")}, kHome)),
              StatusHasReason(Reason::kInvalidCredentials));
}

}  // namespace
}  // namespace florin::auth
