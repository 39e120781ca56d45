// Payments that their payer must approve (RTS Art. 5), through HTTPS, with one-time codes as an
// authenticator app computes them.
#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/authenticator_app.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

// Low values in EUR are exempt: 30.00 each, 100.00 together, five of them.
[[maybe_unused]] const bool kPolicy =
    AddSharedStackOptions({"--approval-policy", "EUR:3000:10000"});

TEST(TotpTest, ComputesTheVectorsOfRfc6238) {
  // Appendix B, its last six digits.
  const std::string secret = "12345678901234567890";
  EXPECT_EQ(Base32Decode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), secret);
  EXPECT_EQ(Totp(secret, 59 / 30), "287082");
  EXPECT_EQ(Totp(secret, 1111111109 / 30), "081804");
  EXPECT_EQ(Totp(secret, 20000000000 / 30), "353130");
}

// A payer with an authenticator app and 1000.00 EUR, and a payee. Codes count once, so a payer can
// approve once or twice before 30 seconds have passed.
class ApprovalTest : public ::testing::Test {
 protected:
  ApprovalTest() { payer_.Deposit(source_, 100'000); }

  std::string NextCode() { return app_.NextCode(); }

  Answer Pay(std::int64_t minor_units) { return payer_.Pay(source_, destination_, minor_units); }
  Answer Approve(const Answer& payment, const std::string& code) {
    return payer_.Post(Approval(payment) + ":approve", {{"totp_code", code}});
  }
  Answer Confirm(const Answer& payment) { return payer_.Post(Path(payment) + ":confirm", "{}"); }
  static std::string Approval(const Answer& payment) {
    return absl::StrCat("/v1/approvals/", payment.Text("next_action.approval_id"));
  }
  static std::string Path(const Answer& payment) {
    return absl::StrCat("/v1/payments/", payment.Text("payment_id"));
  }
  // A payment of 40.00 EUR that requires action.
  Answer Waiting() {
    Answer payment = Pay(4000);
    EXPECT_EQ(Outcome(payment), "200") << payment;
    EXPECT_EQ(payment.Text("state"), "REQUIRES_ACTION") << payment;
    return payment;
  }
  void ExpectNothingMoved() {
    EXPECT_EQ(payer_.Balance(source_), 100'000);
    EXPECT_EQ(payee_.Balance(destination_), 0);
  }
  // Changes the payment's row behind everybody's back, as the superuser can.
  static void Tamper(const Answer& payment, const std::string& change) {
    const Uuid id = ParseId(IdKind::kPayment, payment.Text("payment_id"), "").value();
    SharedStack().Query(absl::StrCat("UPDATE payments.payments SET ", change,
                                     " WHERE payment_id = '", id.ToString(), "'"));
  }

  ApiUser payer_{SharedStack()};
  ApiUser payee_{SharedStack()};
  const std::string source_ = payer_.OpenAccount("EUR");
  const std::string destination_ = payee_.OpenAccount("EUR");
  AuthenticatorApp app_{payer_};
};

TEST_F(ApprovalTest, APaymentIsExecutedOnceItsPayerHasApprovedIt) {
  const Answer payment = Waiting();
  const Answer shown = payer_.Get(Approval(payment));
  ASSERT_EQ(Outcome(shown), "200") << shown;
  EXPECT_EQ(shown.Text("state"), "PENDING");
  EXPECT_EQ(shown.Text("amount.minor_units"), "4000");
  EXPECT_EQ(shown.Text("payee_name"), "Ada Lovelace");
  EXPECT_EQ(shown.Text("payee_account_id"), destination_);
  EXPECT_EQ(shown.Text("binding"), payment.Text("next_action.binding"));
  EXPECT_EQ(Outcome(Confirm(payment)), "409 approval_pending");
  EXPECT_EQ(Outcome(Approve(payment, "000000")), "401 invalid_credentials");
  ExpectNothingMoved();

  // Nobody else's.
  EXPECT_EQ(Outcome(payee_.Get(Approval(payment))), "404 approval_not_found");
  EXPECT_EQ(Outcome(payee_.Post(Approval(payment) + ":begin", "{}")), "404 approval_not_found");
  EXPECT_EQ(Outcome(payee_.Post(Approval(payment) + ":approve", {{"totp_code", "123456"}})),
            "404 approval_not_found");
  EXPECT_EQ(Outcome(payee_.Post(Approval(payment) + ":decline", "{}")), "404 approval_not_found");
  EXPECT_EQ(Outcome(payee_.Post(Path(payment) + ":confirm", "{}")), "404 payment_not_found");
  EXPECT_EQ(Outcome(payee_.Post(Path(payment) + ":cancel", "{}")), "404 payment_not_found");

  const Answer approved = Approve(payment, NextCode());
  ASSERT_EQ(Outcome(approved), "200") << approved;
  EXPECT_EQ(approved.Text("state"), "APPROVED");
  ExpectNothingMoved();
  std::vector<std::thread> threads;
  std::array<std::string, 10> states;
  for (std::string& state : states) {
    threads.emplace_back([this, &payment, &state] {
      ApiUser same(SharedStack(), payer_);
      state = same.Post(Path(payment) + ":confirm", "{}").Text("state");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(states, ::testing::Each("SUCCEEDED"));
  EXPECT_EQ(Confirm(payment).Text("state"), "SUCCEEDED");
  EXPECT_EQ(payer_.Balance(source_), 96'000);
  EXPECT_EQ(payee_.Balance(destination_), 4000);
  EXPECT_EQ(payer_.Get(Approval(payment)).Text("state"), "REDEEMED");
  EXPECT_EQ(Outcome(payer_.Post(Path(payment) + ":cancel", "{}")), "409 payment_not_cancelable");
}

struct Tampering {
  const char* name;
  const char* change;  // SQL; THIEF stands for an account of somebody else.
};

class TamperingTest : public ApprovalTest, public ::testing::WithParamInterface<Tampering> {};

INSTANTIATE_TEST_SUITE_P(
    AnyBoundField, TamperingTest,
    ::testing::Values(Tampering{"Amount", "amount_minor = amount_minor + 1"},
                      Tampering{"Currency", "currency = 'USD'"},
                      Tampering{"Payee", "destination_account_id = 'THIEF'"},
                      Tampering{"PayeeName", "payee_name = 'Mallory'"},
                      Tampering{"Expiry",
                                "approval_expire_time = approval_expire_time + interval '1 hour'"},
                      Tampering{"Nonce", "approval_nonce = decode(repeat('00', 32), 'hex')"}),
    [](const auto& tampering) { return tampering.param.name; });

TEST_P(TamperingTest, VoidsTheApproval) {
  const Answer payment = Waiting();
  ASSERT_EQ(Outcome(Approve(payment, NextCode())), "200");
  ApiUser thief(SharedStack());
  const Uuid account = ParseId(IdKind::kAccount, thief.OpenAccount("EUR"), "").value();
  Tamper(payment, absl::StrReplaceAll(GetParam().change, {{"THIEF", account.ToString()}}));
  EXPECT_EQ(Outcome(Confirm(payment)), "403 approval_mismatch");
  EXPECT_EQ(payer_.Get(Approval(payment)).Text("state"), "VOID");
  EXPECT_EQ(payer_.Get(Path(payment)).Text("state"), "CANCELED");
  // For good: neither may be tried again, nor approved anew.
  EXPECT_EQ(Outcome(Confirm(payment)), "403 approval_mismatch");
  EXPECT_EQ(Outcome(Approve(payment, NextCode())), "403 approval_used");
  ExpectNothingMoved();
}

// What is kept of a payment is tied to another payment's approval.
TEST_F(ApprovalTest, AnApprovalIsForItsPaymentOnly) {
  const Answer approved = Waiting();
  ASSERT_EQ(Outcome(Approve(approved, NextCode())), "200");
  const Answer other = Waiting();
  const Uuid id = ParseId(IdKind::kApproval, approved.Text("next_action.approval_id"), "").value();
  Tamper(other, absl::StrCat("approval_id = '", id.ToString(), "'"));
  EXPECT_EQ(Outcome(Confirm(other)), "403 approval_mismatch");
  EXPECT_EQ(payer_.Get(Approval(approved)).Text("state"), "VOID");
  EXPECT_EQ(Outcome(Confirm(approved)), "403 approval_used");
  ExpectNothingMoved();
}

// The same rows as five minutes later.
TEST_F(ApprovalTest, NothingIsExecutedAfterItsTime) {
  const Answer approved = Waiting();
  ASSERT_EQ(Outcome(Approve(approved, NextCode())), "200");
  const Answer pending = Waiting();
  for (const Answer* payment : {&approved, &pending}) {
    Tamper(*payment, "approval_expire_time = approval_expire_time - interval '5 minutes'");
    const Uuid id =
        ParseId(IdKind::kApproval, payment->Text("next_action.approval_id"), "").value();
    SharedStack().Query(absl::StrCat(
        "UPDATE auth.payment_approvals SET expire_time = expire_time - interval '5 minutes' ",
        "WHERE approval_id = '", id.ToString(), "'"));
    EXPECT_EQ(payer_.Get(Approval(*payment)).Text("state"), "EXPIRED");
  }
  EXPECT_EQ(Outcome(Approve(pending, NextCode())), "422 approval_expired");
  for (const Answer* payment : {&approved, &pending}) {
    EXPECT_EQ(Outcome(Confirm(*payment)), "422 approval_expired");
    EXPECT_EQ(payer_.Get(Path(*payment)).Text("state"), "CANCELED");
  }
  ExpectNothingMoved();
}

TEST_F(ApprovalTest, AKeyStandsForOnePaymentBeforeAndAfterItsApproval) {
  const Sent sent = {.key = Fresh("key")};
  const Answer first = payer_.Pay(source_, destination_, 4000, sent);
  const Answer again = payer_.Pay(source_, destination_, 4000, sent);
  EXPECT_EQ(again.Text("state"), "REQUIRES_ACTION") << again;
  EXPECT_EQ(again.Text("next_action.binding"), first.Text("next_action.binding"));
  EXPECT_EQ(Outcome(payer_.Pay(source_, destination_, 4001, sent)), "409 idempotency_key_reused");
  ASSERT_EQ(Outcome(Approve(first, NextCode())), "200");
  EXPECT_EQ(Confirm(first).Text("state"), "SUCCEEDED");
  EXPECT_EQ(payer_.Pay(source_, destination_, 4000, sent).Text("state"), "SUCCEEDED");
  EXPECT_EQ(payee_.Balance(destination_), 4000);
}

TEST_F(ApprovalTest, AOneTimeCodeApprovesOnePayment) {
  const Answer first = Waiting();
  const Answer second = Waiting();
  const std::string code = NextCode();
  ASSERT_EQ(Outcome(Approve(first, code)), "200");
  EXPECT_EQ(Outcome(Approve(second, code)), "401 invalid_credentials");
  EXPECT_EQ(Outcome(Confirm(second)), "409 approval_pending");
  ExpectNothingMoved();
}

TEST_F(ApprovalTest, DeclinedOrCanceledNothingMoves) {
  const Answer declined = Waiting();
  EXPECT_EQ(payer_.Post(Approval(declined) + ":decline", "{}").Text("state"), "DECLINED");
  EXPECT_EQ(Outcome(Confirm(declined)), "422 approval_declined");
  const Answer canceled = Waiting();
  EXPECT_EQ(payer_.Post(Path(canceled) + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(Outcome(Approve(canceled, NextCode())), "200");
  EXPECT_EQ(Outcome(Confirm(canceled)), "422 payment_canceled");
  ExpectNothingMoved();
}

TEST_F(ApprovalTest, LowValuesAreExemptUntilTheSixth) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Pay(100).Text("state"), "SUCCEEDED");
  const Answer sixth = Pay(100);
  EXPECT_EQ(sixth.Text("state"), "REQUIRES_ACTION");
  ASSERT_EQ(Outcome(Approve(sixth, NextCode())), "200");
  EXPECT_EQ(Confirm(sixth).Text("state"), "SUCCEEDED");
  EXPECT_EQ(Pay(100).Text("state"), "SUCCEEDED");
  EXPECT_EQ(payee_.Balance(destination_), 700);
}

// The approval is redeemed, and then the ledger is gone, and payments itself.
TEST_F(ApprovalTest, AnApprovedPaymentSurvivesACrashAndIsExecutedOnce) {
  const Answer payment = Waiting();
  ASSERT_EQ(Outcome(Approve(payment, NextCode())), "200");
  SharedStack().Kill("ledger");
  EXPECT_NE(Confirm(payment).status, 200);
  EXPECT_EQ(payer_.Get(Approval(payment)).Text("state"), "REDEEMED");
  SharedStack().Kill("payments");
  SharedStack().Restart("ledger");
  SharedStack().Restart("payments");
  // Nobody confirms again: the recovery worker ends it.
  Answer ended = payer_.Get(Path(payment));
  for (int i = 0; i < 600 && ended.Text("state") != "SUCCEEDED"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ended = payer_.Get(Path(payment));
  }
  EXPECT_EQ(ended.Text("state"), "SUCCEEDED") << ended;
  EXPECT_EQ(Confirm(payment).Text("state"), "SUCCEEDED");
  EXPECT_EQ(payer_.Balance(source_), 96'000);
  EXPECT_EQ(payee_.Balance(destination_), 4000);
}

// A token of a login by password `ago`, as auth would sign it.
std::string TokenOfLogin(const ApiUser& user, absl::Duration ago) {
  const auto keys = crypto::KeyRing::Load(absl::StrCat(SharedStack().home(), "/auth-keys"));
  EXPECT_TRUE(keys.ok()) << keys.status();
  const absl::Time now = absl::Now();
  const crypto::AccessTokenClaims claims = {
      .issuer = SharedStack().Variable("FLORIN_URL"),
      .subject = user.user_id(),
      .audience = identity::kAudience,
      .scope = "authenticators:read authenticators:write",
      .token_id = FormatId(IdKind::kToken, SystemIds().NewId()),
      .issued_at = now,
      .expires_at = now + absl::Minutes(10),
      .auth_time = now - ago,
      .acr = "urn:florin:acr:pwd"};
  return crypto::SignAccessToken(claims, keys->current());
}

TEST(StepUp, AnOldLoginChangesNoAuthenticator) {
  ApiUser user(SharedStack());
  const std::string path = "/v1/users/me/authenticators";
  const Sent old = {.token = TokenOfLogin(user, absl::Minutes(5) + absl::Seconds(2))};
  EXPECT_EQ(Outcome(user.Get(path, old)), "200");
  const Answer refused = user.Post(path + "/totp", "{}", old);
  EXPECT_EQ(Outcome(refused), "401 step_up_required");
  const auto challenge = refused.headers.find("www-authenticate");
  ASSERT_NE(challenge, refused.headers.end());
  EXPECT_THAT(
      challenge->second,
      ::testing::AllOf(::testing::HasSubstr("error=\"insufficient_user_authentication\""),
                       ::testing::HasSubstr("max_age=\"300\""),
                       ::testing::HasSubstr("acr_values=\"urn:florin:acr:pwd urn:florin:acr:mfa "
                                            "urn:florin:acr:phr\"")));
  const Sent fresh = {.token = TokenOfLogin(user, absl::Minutes(4))};
  EXPECT_EQ(Outcome(user.Post(path + "/totp", "{}", fresh)), "200");
}

}  // namespace
}  // namespace florin::e2e
