// Approvals of payments with the authenticators themselves, by one-time codes.
#include "services/auth/flow/authenticator_prover.h"

#include "gmock/gmock.h"
#include "libs/crypto/totp.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/payment_approvals.h"
#include "services/auth/flow/test_authenticators.h"
#include "services/auth/store/fake_approval_store.h"

namespace florin::auth {
namespace {

class AuthenticatorProverTest : public ::testing::Test {
 protected:
  AuthenticatorProverTest() {
    User user{.user_id = user_,
              .email = "ann@example.com",
              .password_hash = "$argon2id$x",
              .create_time = clock_.Now()};
    EXPECT_THAT(Run(test_.users.Register({.idempotency_key = "key", .user = user})), IsOk());
  }
  ~AuthenticatorProverTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  void Enrol() {
    ASSERT_THAT(Run(test_.authenticators.BeginTotp(user_)), IsOk());
    ASSERT_THAT(Run(test_.authenticators.ConfirmTotp(user_, Code())), IsOk());
    clock_.Advance(absl::Minutes(1));
  }
  std::string Code() {
    const TotpSecret sealed = *Run(test_.store.FindTotp(user_)).value();
    const std::string secret =
        test_.data_keys
            .Open(sealed.sealed, "auth.totp_secrets.sealed_secret." + sealed.factor_id.ToString())
            .value();
    return crypto::HotpCode(secret, static_cast<std::uint64_t>(crypto::TotpCounter(clock_.Now())),
                            crypto::kTotpDigits);
  }
  PaymentApproval Asked() {
    const PaymentApproval approval{
        .approval_id = SystemIds().NewId(),
        .user_id = user_,
        .payment_id = SystemIds().NewId(),
        .amount = {.minor_units = 1250, .currency = *Currency::Parse("EUR")},
        .payee_account_id = SystemIds().NewId(),
        .payee_name = "Zoë",
        .nonce = std::string(32, 'n'),
        .expire_time = clock_.Now() + absl::Minutes(5)};
    return Run(approvals_.Ask(approval)).value();
  }
  absl::StatusOr<PaymentApproval> Approve(const PaymentApproval& approval,
                                          const std::string& code) {
    return Run(
        approvals_.Approve(user_, approval.approval_id, {.credential = "", .totp_code = code}));
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  const Uuid user_ = SystemIds().NewId();
  TestAuthenticators test_{clock_};
  FakeApprovalStore store_;
  AuthenticatorProver prover_{test_.authenticators};
  PaymentApprovals approvals_{store_, prover_, clock_};
};

TEST_F(AuthenticatorProverTest, ACodeApprovesOnePaymentOnce) {
  Enrol();
  const PaymentApproval first = Asked();
  const PaymentApproval second = Asked();
  const std::string code = Code();
  const std::string wrong = code == "000000" ? "000001" : "000000";
  EXPECT_THAT(Approve(first, wrong), StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_EQ(Approve(first, code)->state, ApprovalState::kApproved);
  EXPECT_THAT(Approve(second, code), StatusHasReason(Reason::kInvalidCredentials));
  clock_.Advance(crypto::kTotpStep);
  EXPECT_EQ(Approve(second, Code())->state, ApprovalState::kApproved);
}

TEST_F(AuthenticatorProverTest, ACeremonyIsForTheOctetsItWasBegunFor) {
  Enrol();
  const auto ceremony = Run(prover_.Begin(user_, "a"));
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_TRUE(ceremony->totp);
  EXPECT_EQ(ceremony->options, "");
  const PayerProver::Proof proof{.credential = "", .totp_code = Code()};
  EXPECT_THAT(Run(prover_.Finish(user_, ceremony->ceremony_id, "b", proof)),
              StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_FALSE(Run(prover_.Finish(user_, ceremony->ceremony_id, "a", proof)).ok());
}

TEST_F(AuthenticatorProverTest, WithoutAuthenticatorsNothingIsApproved) {
  const PaymentApproval asked = Asked();
  EXPECT_THAT(Run(approvals_.Begin(user_, asked.approval_id)),
              StatusHasReason(Reason::kSecondFactorRequired));
  EXPECT_THAT(Approve(asked, "123456"), StatusHasReason(Reason::kSecondFactorRequired));
  EXPECT_EQ(Run(approvals_.Get(user_, asked.approval_id))->state, ApprovalState::kPending);
}

}  // namespace
}  // namespace florin::auth
