#include "services/auth/flow/payment_approvals.h"

#include <boost/asio/use_future.hpp>
#include <future>

#include "gmock/gmock.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/fake_prover.h"
#include "services/auth/store/fake_approval_store.h"

namespace florin::auth {
namespace {

const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);

class PaymentApprovalsTest : public ::testing::Test {
 protected:
  PaymentApproval NewApproval() {
    return {.approval_id = ids_.NewId(),
            .user_id = user_,
            .payment_id = ids_.NewId(),
            .amount = {.minor_units = 1250, .currency = *Currency::Parse("EUR")},
            .payee_account_id = ids_.NewId(),
            .payee_name = "Zoë",
            .nonce = std::string(32, 'n'),
            .expire_time = kStart + absl::Minutes(5)};
  }
  // One that was asked for.
  PaymentApproval Asked() {
    const auto asked = runtime_.Run(approvals_.Ask(NewApproval()));
    EXPECT_THAT(asked, IsOk());
    return *asked;
  }
  absl::StatusOr<PaymentApproval> ApproveByTotp(const PaymentApproval& approval,
                                                const std::string& code = "right") {
    return runtime_.Run(approvals_.Approve(approval.user_id, approval.approval_id,
                                           {.credential = "", .totp_code = code}));
  }
  absl::StatusOr<PaymentApproval> ApproveByPasskey(const PaymentApproval& approval) {
    return runtime_.Run(approvals_.Approve(approval.user_id, approval.approval_id,
                                           {.credential = "right", .totp_code = ""}));
  }
  absl::StatusOr<PaymentApproval> Redeem(const PaymentApproval& as, bool only_if_redeemed = false) {
    return runtime_.Run(approvals_.Redeem(as.approval_id, as.payment_id,
                                          sca::BindingDigest(BindingOf(as)), only_if_redeemed));
  }

  async::Runtime runtime_{2};
  IdSource& ids_ = SystemIds();
  const Uuid user_ = ids_.NewId();
  FakeClock clock_{kStart};
  FakeApprovalStore store_;
  FakeProver prover_;
  PaymentApprovals approvals_{store_, prover_, clock_};
};

TEST_F(PaymentApprovalsTest, AskingAgainForTheSameChangesNothing) {
  const PaymentApproval asked = Asked();
  EXPECT_EQ(asked.create_time, kStart);
  ASSERT_THAT(ApproveByTotp(asked), IsOk());
  clock_.Advance(absl::Seconds(1));
  const auto again = runtime_.Run(approvals_.Ask(asked));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->state, ApprovalState::kApproved);
  EXPECT_EQ(again->create_time, kStart);
  PaymentApproval other = asked;
  other.amount.minor_units += 1;
  EXPECT_THAT(runtime_.Run(approvals_.Ask(other)), StatusHasReason(Reason::kIdConflict));
  other.amount.minor_units = 0;
  EXPECT_THAT(runtime_.Run(approvals_.Ask(other)), StatusHasReason(Reason::kInvalidField));
}

// What is signed is what is shown, and what is redeemed.
TEST_F(PaymentApprovalsTest, AProofIsForTheCanonicalOctetsOfWhatIsKept) {
  const PaymentApproval asked = Asked();
  ASSERT_THAT(ApproveByTotp(asked), IsOk());
  EXPECT_EQ(prover_.last_octets(), sca::CanonicalOctets(BindingOf(asked)));
  ASSERT_THAT(Redeem(asked), IsOk());
}

TEST_F(PaymentApprovalsTest, APasskeyAnswersTheLastCeremony) {
  const PaymentApproval asked = Asked();
  EXPECT_THAT(ApproveByPasskey(asked), StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_EQ(prover_.finished(), 0);
  const auto ceremony = runtime_.Run(approvals_.Begin(user_, asked.approval_id));
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_NE(ceremony->options, "");
  EXPECT_TRUE(ceremony->totp);
  EXPECT_EQ(ApproveByPasskey(asked)->state, ApprovalState::kApproved);
  // Given again without a proof.
  EXPECT_EQ(ApproveByPasskey(asked)->state, ApprovalState::kApproved);
  EXPECT_EQ(prover_.finished(), 1);
}

TEST_F(PaymentApprovalsTest, AWrongProofApprovesNothing) {
  const PaymentApproval asked = Asked();
  EXPECT_THAT(ApproveByTotp(asked, "wrong"), StatusHasReason(Reason::kInvalidCredentials));
  EXPECT_THAT(Redeem(asked), StatusHasReason(Reason::kApprovalPending));
  const auto both = runtime_.Run(
      approvals_.Approve(user_, asked.approval_id, {.credential = "right", .totp_code = "right"}));
  EXPECT_THAT(both, StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(ApproveByTotp(asked, ""), StatusHasReason(Reason::kInvalidField));
}

TEST_F(PaymentApprovalsTest, AnApprovalOfAnotherUserDoesNotExist) {
  PaymentApproval asked = Asked();
  const Uuid stranger = ids_.NewId();
  EXPECT_THAT(runtime_.Run(approvals_.Get(stranger, asked.approval_id)),
              StatusHasReason(Reason::kApprovalNotFound));
  EXPECT_THAT(runtime_.Run(approvals_.Begin(stranger, asked.approval_id)),
              StatusHasReason(Reason::kApprovalNotFound));
  EXPECT_THAT(runtime_.Run(approvals_.Decline(stranger, asked.approval_id)),
              StatusHasReason(Reason::kApprovalNotFound));
  asked.user_id = stranger;
  EXPECT_THAT(ApproveByTotp(asked), StatusHasReason(Reason::kApprovalNotFound));
  EXPECT_EQ(prover_.finished(), 0);
  EXPECT_EQ(runtime_.Run(approvals_.Get(user_, asked.approval_id))->state, ApprovalState::kPending);
}

TEST_F(PaymentApprovalsTest, AnyChangedFieldVoidsIt) {
  void (*const changes[])(PaymentApproval&) = {
      [](PaymentApproval& a) { a.amount.minor_units += 1; },
      [](PaymentApproval& a) { a.amount.currency = *Currency::Parse("USD"); },
      [](PaymentApproval& a) { a.payee_account_id = a.user_id; },
      [](PaymentApproval& a) { a.payee_name += "x"; },
      [](PaymentApproval& a) { a.payment_id = a.user_id; },
      [](PaymentApproval& a) { a.expire_time += absl::Microseconds(1); },
      [](PaymentApproval& a) { a.nonce[31] = 'x'; },
  };
  for (const auto& change : changes) {
    const PaymentApproval asked = Asked();
    ASSERT_THAT(ApproveByTotp(asked), IsOk());
    PaymentApproval changed = asked;
    change(changed);
    EXPECT_THAT(Redeem(changed), StatusHasReason(Reason::kApprovalMismatch));
    EXPECT_THAT(Redeem(asked), StatusHasReason(Reason::kApprovalUsed));
    EXPECT_THAT(ApproveByTotp(asked), StatusHasReason(Reason::kApprovalUsed));
  }
}

TEST_F(PaymentApprovalsTest, IsRedeemedOnceByItsPayment) {
  const PaymentApproval asked = Asked();
  ASSERT_THAT(ApproveByTotp(asked), IsOk());
  EXPECT_THAT(Redeem(asked, true), StatusHasReason(Reason::kApprovalPending));
  std::vector<std::future<absl::StatusOr<PaymentApproval>>> running;
  for (int i = 0; i < 50; ++i) {
    running.push_back(asio::co_spawn(runtime_.executor(),
                                     approvals_.Redeem(asked.approval_id, asked.payment_id,
                                                       sca::BindingDigest(BindingOf(asked)), false),
                                     asio::use_future));
  }
  for (auto& redeemed : running) EXPECT_EQ(redeemed.get()->state, ApprovalState::kRedeemed);
  // Also long after, by its payment; by another one, never.
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Redeem(asked, true), IsOk());
  PaymentApproval other = asked;
  other.payment_id = ids_.NewId();
  EXPECT_THAT(Redeem(other), StatusHasReason(Reason::kApprovalUsed));
  EXPECT_THAT(Redeem(NewApproval()), StatusHasReason(Reason::kApprovalNotFound));
}

TEST_F(PaymentApprovalsTest, EndsWithItsTime) {
  const PaymentApproval pending = Asked();
  const PaymentApproval approved = Asked();
  ASSERT_THAT(ApproveByTotp(approved), IsOk());
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(ApproveByTotp(pending), StatusHasReason(Reason::kApprovalExpired));
  EXPECT_THAT(runtime_.Run(approvals_.Begin(user_, pending.approval_id)),
              StatusHasReason(Reason::kApprovalExpired));
  EXPECT_THAT(Redeem(pending), StatusHasReason(Reason::kApprovalExpired));
  EXPECT_THAT(Redeem(approved), StatusHasReason(Reason::kApprovalExpired));
}

TEST_F(PaymentApprovalsTest, DeclinedItStaysDeclined) {
  const PaymentApproval asked = Asked();
  ASSERT_THAT(ApproveByTotp(asked), IsOk());
  for (int repeated = 0; repeated < 2; ++repeated) {
    EXPECT_EQ(runtime_.Run(approvals_.Decline(user_, asked.approval_id))->state,
              ApprovalState::kDeclined);
  }
  EXPECT_THAT(Redeem(asked), StatusHasReason(Reason::kApprovalDeclined));
  EXPECT_THAT(ApproveByTotp(asked), StatusHasReason(Reason::kApprovalDeclined));
}

}  // namespace
}  // namespace florin::auth
