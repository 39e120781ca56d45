#include "services/payments/domain/approval.h"

#include "gmock/gmock.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/request.h"

namespace florin::payments {
namespace {

const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);

Payment Waiting() {
  const Uuid id = SystemIds().NewId();
  const PaymentRequest request{.source_account_id = SystemIds().NewId(),
                               .destination_account_id = SystemIds().NewId(),
                               .amount = {.minor_units = 5, .currency = *Currency::Parse("EUR")},
                               .reference = ""};
  return AwaitApproval(NewPayment(id, SystemIds().NewId(), request, kStart),
                       NewTerms(id, "Ann", std::string(32, 'n'), kStart));
}

TEST(ApprovalTest, TermsFollowFromThePayment) {
  const Payment payment = Waiting();
  EXPECT_EQ(payment.state, State::kRequiresAction);
  EXPECT_EQ(payment.approval->approval_id, ApprovalIdOf(payment.payment_id));
  EXPECT_NE(payment.approval->approval_id, ApprovalIdOf(SystemIds().NewId()));
  EXPECT_EQ(payment.approval->expire_time, kStart + absl::Minutes(5));
  EXPECT_EQ(payment.approval->payee_name, "Ann");
  EXPECT_EQ(payment.approval->approved_binding, "");
}

TEST(ApprovalTest, StartsWithWhatWasRedeemed) {
  const Payment started = StartApproved(Waiting(), "digest", kStart + absl::Seconds(1));
  EXPECT_EQ(started.state, State::kProcessing);
  EXPECT_EQ(started.approval->approved_binding, "digest");
  EXPECT_EQ(started.update_time, kStart + absl::Seconds(1));
}

TEST(ApprovalTest, IsGivenUpWithItsReason) {
  for (const Reason reason :
       {Reason::kPaymentCanceled, Reason::kApprovalExpired, Reason::kApprovalMismatch,
        Reason::kApprovalUsed, Reason::kApprovalDeclined, Reason::kHolderRoleMissing,
        Reason::kAccountNotFound}) {
    const Payment given_up = GiveUp(Waiting(), reason, kStart + absl::Seconds(1));
    EXPECT_EQ(given_up.state, State::kCanceled);
    EXPECT_EQ(given_up.update_time, kStart + absl::Seconds(1));
    const absl::Status told = CancellationOf(given_up);
    EXPECT_THAT(told, StatusHasReason(reason));
    EXPECT_EQ(DetailOf(told).metadata.at("payment_id"),
              FormatId(IdKind::kPayment, given_up.payment_id));
    EXPECT_EQ(EndsPayment(reason), reason != Reason::kPaymentCanceled);
  }
  for (const Reason reason : {Reason::kApprovalPending, Reason::kApprovalNotFound,
                              Reason::kUnavailable, Reason::kInternal}) {
    EXPECT_FALSE(EndsPayment(reason));
  }
}

TEST(ApprovalDeathTest, AStartedPaymentIsNotGivenUp) {
  EXPECT_DEATH(GiveUp(StartApproved(Waiting(), "digest", kStart), Reason::kApprovalExpired, kStart),
               "only a payment that requires action");
}

}  // namespace
}  // namespace florin::payments
