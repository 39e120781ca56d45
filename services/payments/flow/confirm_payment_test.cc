// The way of a payment that its payer must approve, over the fake store and real channels to the
// doubles of auth and the ledger.
#include "services/payments/flow/confirm_payment.h"

#include <boost/asio/use_future.hpp>
#include <future>

#include "services/payments/domain/approval.h"
#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using auth::v1::Approval;

class ConfirmPaymentTest : public PaymentsFixture {
 protected:
  ConfirmPaymentTest() { ledger_double_.Fund(a_, 100'000); }

  PaymentRequest ToStranger(std::int64_t minor_units) const {
    PaymentRequest request = Transfer(minor_units);
    request.destination_account_id = c_;
    return request;
  }
  absl::StatusOr<CreatePayment::Outcome> Make(const PaymentRequest& request,
                                              const std::string& key) {
    rpc::Outgoing context;
    return runtime_.Run(judging_create_.Run(context, user_, key, request));
  }
  // A payment of 400 that requires action.
  Payment Waiting(const std::string& key = "key") {
    const auto made = Make(ToStranger(400), key);
    EXPECT_THAT(made, IsOk());
    EXPECT_EQ(made->payment.state, State::kRequiresAction);
    return made->payment;
  }
  static std::string ApprovalOf(const Payment& payment) {
    return FormatId(IdKind::kApproval, payment.approval->approval_id);
  }
  void Approve(const Payment& payment) {
    approvals_double_.SetState(ApprovalOf(payment), Approval::APPROVED);
  }
  absl::StatusOr<Payment> Confirm(const Payment& payment) {
    rpc::Outgoing context;
    return runtime_.Run(confirm_.Run(context, user_, payment.payment_id));
  }
  Payment Kept(const Payment& payment) {
    return runtime_.Run(store_.GetPayment(user_, payment.payment_id)).value();
  }
  // The ledger has not heard of anything.
  void ExpectUntouched() {
    EXPECT_EQ(ledger_double_.committed(), 0);
    EXPECT_EQ(ledger_double_.all_requests(), "");
  }
};

TEST_F(ConfirmPaymentTest, AsksThePayerForExactlyWhatIsKept) {
  const Payment payment = Waiting();
  const Approval asked = approvals_double_.Get(ApprovalOf(payment));
  EXPECT_EQ(asked.payment_id(), FormatId(IdKind::kPayment, payment.payment_id));
  EXPECT_EQ(asked.amount().minor_units(), 400);
  EXPECT_EQ(asked.amount().currency(), "EUR");
  EXPECT_EQ(asked.payee_account_id(), FormatId(IdKind::kAccount, c_));
  EXPECT_EQ(asked.payee_name(), "Zoë Strange");
  EXPECT_EQ(asked.binding(),
            crypto::Base64UrlEncode(crypto::AsOctets(sca::BindingDigest(BindingOf(payment)))));
  EXPECT_EQ(payment.approval->expire_time, clock_.Now() + kApprovalTime);
  EXPECT_EQ(payment.approval->nonce.size(), sca::kNonceSize);
  EXPECT_NE(payment.approval->nonce, Waiting("other").approval->nonce);
  ExpectUntouched();
}

TEST_F(ConfirmPaymentTest, OnlyWhatThePolicyNamesRequiresAction) {
  EXPECT_EQ(Make(Transfer(400), "own")->payment.state, State::kSucceeded);
  EXPECT_EQ(Make(ToStranger(300), "small")->payment.state, State::kSucceeded);
  EXPECT_EQ(Make(ToStranger(301), "large")->payment.state, State::kRequiresAction);
  EXPECT_EQ(Make(Deposit(400), "deposit")->payment.state, State::kSucceeded);
  EXPECT_EQ(Create(ToStranger(5000), "no policy")->payment.state, State::kSucceeded);
}

TEST_F(ConfirmPaymentTest, IsExecutedOnceApproved) {
  const Payment payment = Waiting();
  EXPECT_THAT(Confirm(payment), StatusHasReason(Reason::kApprovalPending));
  ExpectUntouched();
  Approve(payment);
  const auto confirmed = Confirm(payment);
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
  // Again, and by the key that made it.
  EXPECT_EQ(Confirm(payment).value(), *confirmed);
  EXPECT_EQ(Make(ToStranger(400), "key")->payment, *confirmed);
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_EQ(approvals_double_.redemptions(), 1);
}

TEST_F(ConfirmPaymentTest, FiftyConfirmsAtOnceExecuteOnce) {
  const Payment payment = Waiting();
  Approve(payment);
  std::vector<std::future<absl::StatusOr<Payment>>> running;
  for (int i = 0; i < 50; ++i) {
    rpc::Outgoing context;
    running.push_back(asio::co_spawn(
        runtime_.executor(), confirm_.Run(context, user_, payment.payment_id), asio::use_future));
  }
  for (auto& confirmed : running) EXPECT_EQ(confirmed.get()->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.committed(), 1);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
  EXPECT_EQ(approvals_double_.redemptions(), 1);
}

// Whatever changes between the approval and the execution.
TEST_F(ConfirmPaymentTest, AnyChangedFieldVoidsTheApproval) {
  const std::vector<std::function<void(Payment&)>> changes = {
      [](Payment& p) { p.amount.minor_units += 1; },
      [](Payment& p) { p.amount.minor_units -= 1; },
      [](Payment& p) { p.amount.currency = *Currency::Parse("USD"); },
      [this](Payment& p) { p.destination_account_id = b_; },
      [](Payment& p) { p.approval->payee_name = "Zoe Strange"; },
      [](Payment& p) { p.approval->nonce[0] ^= 1; },
      [](Payment& p) { p.approval->expire_time += absl::Microseconds(1); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    const Payment payment = Waiting("key" + std::to_string(i));
    Approve(payment);
    store_.Tamper(user_, payment.payment_id, changes[i]);
    const auto refused = Confirm(payment);
    ASSERT_THAT(refused, IsOk());
    EXPECT_EQ(refused->state, State::kCanceled);
    EXPECT_EQ(refused->failure_reason, "approval_mismatch");
    EXPECT_EQ(approvals_double_.Get(ApprovalOf(payment)).state(), Approval::VOID);
    // Changed back, it stays void.
    EXPECT_EQ(Confirm(payment)->failure_reason, "approval_mismatch");
  }
  ExpectUntouched();
}

// Between the redemption and the executing step, and between that and the ledger.
TEST_F(ConfirmPaymentTest, AChangeAfterTheRedemptionExecutesNothing) {
  const Payment first = Waiting("first");
  Approve(first);
  store_.FailStarts(true);
  EXPECT_THAT(Confirm(first), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(approvals_double_.redemptions(), 1);
  store_.FailStarts(false);
  store_.Tamper(user_, first.payment_id, [](Payment& p) { p.amount.minor_units = 1; });
  EXPECT_EQ(Confirm(first)->failure_reason, "approval_used");

  const Payment second = Waiting("second");
  Approve(second);
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Confirm(second), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  const std::string before = ledger_double_.all_requests();
  store_.Tamper(user_, second.payment_id, [](Payment& p) { p.amount.minor_units = 40'000; });
  EXPECT_THAT(Confirm(second), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Recover(), IsOk());
  EXPECT_EQ(Kept(second).state, State::kProcessing);
  EXPECT_EQ(ledger_double_.all_requests(), before);
  EXPECT_EQ(ledger_double_.committed(), 0);
  // Put right, it ends.
  store_.Tamper(user_, second.payment_id, [](Payment& p) { p.amount.minor_units = 400; });
  EXPECT_THAT(Recover(), IsOk());
  EXPECT_EQ(Kept(second).state, State::kSucceeded);
}

TEST_F(ConfirmPaymentTest, AnApprovalIsGoodForNoOtherPayment) {
  const Payment first = Waiting("first");
  const Payment second = Waiting("second");
  Approve(first);
  // Same amount, same payee, and the other's approval.
  store_.Tamper(user_, second.payment_id, [&first](Payment& p) { p.approval = first.approval; });
  EXPECT_EQ(Confirm(second)->state, State::kCanceled);
  ExpectUntouched();
  // The first one's is void now, which its payer is told.
  EXPECT_EQ(Confirm(first)->failure_reason, "approval_used");
  ExpectUntouched();

  const Payment third = Waiting("third");
  const Payment fourth = Waiting("fourth");
  Approve(third);
  EXPECT_EQ(Confirm(third)->state, State::kSucceeded);
  store_.Tamper(user_, fourth.payment_id, [&third](Payment& p) { p.approval = third.approval; });
  EXPECT_EQ(Confirm(fourth)->failure_reason, "approval_used");
  EXPECT_EQ(ledger_double_.committed(), 1);
}

TEST_F(ConfirmPaymentTest, AnotherUsersPaymentDoesNotExist) {
  const Payment payment = Waiting();
  Approve(payment);
  rpc::Outgoing context;
  EXPECT_THAT(runtime_.Run(confirm_.Run(context, stranger_, payment.payment_id)),
              StatusHasReason(Reason::kPaymentNotFound));
  EXPECT_THAT(runtime_.Run(confirm_.Cancel(stranger_, payment.payment_id)),
              StatusHasReason(Reason::kPaymentNotFound));
  EXPECT_EQ(approvals_double_.redeem_calls(), 0);
  ExpectUntouched();
}

TEST_F(ConfirmPaymentTest, DeclinedOrExpiredItIsCanceled) {
  const Payment declined = Waiting("declined");
  approvals_double_.SetState(ApprovalOf(declined), Approval::DECLINED);
  EXPECT_EQ(Confirm(declined)->failure_reason, "approval_declined");
  const Payment expired = Waiting("expired");
  Approve(expired);
  clock_.Advance(kApprovalTime);
  EXPECT_EQ(Confirm(expired)->failure_reason, "approval_expired");
  EXPECT_EQ(Confirm(expired)->state, State::kCanceled);
  ExpectUntouched();
}

TEST_F(ConfirmPaymentTest, ItsOwnerMayCancelIt) {
  const Payment payment = Waiting();
  Approve(payment);
  const auto canceled = runtime_.Run(confirm_.Cancel(user_, payment.payment_id));
  ASSERT_THAT(canceled, IsOk());
  EXPECT_EQ(canceled->state, State::kCanceled);
  EXPECT_EQ(canceled->failure_reason, "payment_canceled");
  EXPECT_EQ(runtime_.Run(confirm_.Cancel(user_, payment.payment_id)).value(), *canceled);
  EXPECT_EQ(Confirm(payment).value(), *canceled);
  EXPECT_EQ(approvals_double_.redeem_calls(), 0);
  ExpectUntouched();

  const Payment executed = Waiting("executed");
  Approve(executed);
  ASSERT_THAT(Confirm(executed), IsOk());
  EXPECT_THAT(runtime_.Run(confirm_.Cancel(user_, executed.payment_id)),
              StatusHasReason(Reason::kPaymentNotCancelable));
}

TEST_F(ConfirmPaymentTest, WithoutAuthThePaymentWaits) {
  approvals_double_.SetAvailable(false);
  const absl::Status failed = Make(ToStranger(400), "key").status();
  EXPECT_THAT(failed, StatusHasReason(Reason::kUnavailable));
  const Payment kept = Payments().at(0);
  EXPECT_EQ(DetailOf(failed).metadata.at("payment_id"),
            FormatId(IdKind::kPayment, kept.payment_id));
  EXPECT_EQ(kept.state, State::kRequiresAction);
  EXPECT_THAT(Confirm(kept), StatusHasReason(Reason::kUnavailable));
  approvals_double_.SetAvailable(true);
  // The same key asks again, for the same.
  EXPECT_EQ(Make(ToStranger(400), "key")->payment, kept);
  Approve(kept);
  EXPECT_EQ(Confirm(kept)->state, State::kSucceeded);
}

TEST_F(ConfirmPaymentTest, AnApprovalThatWasNeverAskedForIsAskedForByTheConfirmation) {
  approvals_double_.SetAvailable(false);
  EXPECT_FALSE(Make(ToStranger(400), "key").ok());
  approvals_double_.SetAvailable(true);
  const Payment kept = Payments().at(0);
  EXPECT_THAT(Confirm(kept), StatusHasReason(Reason::kApprovalPending));
  Approve(kept);
  EXPECT_EQ(Confirm(kept)->state, State::kSucceeded);
}

// A crash after auth has redeemed: before its answer came, and before the executing step.
TEST_F(ConfirmPaymentTest, RecoveryFinishesWhatWasRedeemedOnce) {
  const Payment answer_lost = Waiting("answer lost");
  const Payment not_started = Waiting("not started");
  Approve(answer_lost);
  Approve(not_started);
  approvals_double_.LoseRedemptions(true);
  EXPECT_THAT(Confirm(answer_lost), StatusHasReason(Reason::kUnavailable));
  approvals_double_.LoseRedemptions(false);
  store_.FailStarts(true);
  EXPECT_THAT(Confirm(not_started), StatusHasReason(Reason::kUnavailable));
  store_.FailStarts(false);
  ExpectUntouched();

  EXPECT_EQ(Recover().value(), 2);
  for (const Payment& payment : Payments()) EXPECT_EQ(payment.state, State::kSucceeded);
  EXPECT_EQ(Recover().value(), 0);
  EXPECT_EQ(Confirm(answer_lost)->state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.committed(), 2);
  EXPECT_EQ(approvals_double_.redemptions(), 2);
}

// A crash between the executing step and the ledger, or its answer.
TEST_F(ConfirmPaymentTest, RecoveryFinishesWhatWasStartedOnce) {
  const Payment unheard = Waiting("unheard");
  Approve(unheard);
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Confirm(unheard), StatusHasReason(Reason::kUnavailable));
  const Payment answer_lost = Waiting("answer lost");
  Approve(answer_lost);
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Confirm(answer_lost), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 2);
  for (const Payment& payment : Payments()) EXPECT_EQ(payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.committed(), 2);
}

TEST_F(ConfirmPaymentTest, RecoveryCancelsWhatHasExpiredAndRedeemsNothing) {
  const Payment pending = Waiting("pending");
  const Payment approved = Waiting("approved");
  Approve(approved);
  approvals_double_.SetAvailable(false);
  EXPECT_FALSE(Make(ToStranger(400), "never asked").ok());
  approvals_double_.SetAvailable(true);
  // Confirmed too early: looked after once, and left alone.
  EXPECT_THAT(Confirm(pending), StatusHasReason(Reason::kApprovalPending));
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Kept(pending).state, State::kRequiresAction);
  EXPECT_EQ(Recover().value(), 0);

  clock_.Advance(kApprovalTime);
  EXPECT_EQ(Recover().value(), 3);
  for (const Payment& payment : Payments()) {
    EXPECT_EQ(payment.state, State::kCanceled);
    EXPECT_EQ(payment.failure_reason, "approval_expired");
  }
  EXPECT_EQ(Recover().value(), 0);
  EXPECT_EQ(approvals_double_.redemptions(), 0);
  ExpectUntouched();
}

// Auth or the store is away when the recovery worker comes: it comes again soon, not only when the
// approval expires.
TEST_F(ConfirmPaymentTest, RecoveryComesAgainSoonToWhatWasRedeemed) {
  const Payment payment = Waiting();
  Approve(payment);
  approvals_double_.LoseRedemptions(true);
  EXPECT_THAT(Confirm(payment), StatusHasReason(Reason::kUnavailable));
  approvals_double_.LoseRedemptions(false);
  approvals_double_.SetAvailable(false);
  EXPECT_EQ(Recover().value(), 1);
  approvals_double_.SetAvailable(true);
  store_.FailStarts(true);
  EXPECT_EQ(Recover().value(), 1);
  store_.FailStarts(false);
  EXPECT_EQ(Kept(payment).state, State::kRequiresAction);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Kept(payment).state, State::kSucceeded);
  EXPECT_EQ(approvals_double_.redemptions(), 1);
}

// The worker dies between its claim and what it does, after the request died between redemption and
// executing step.
TEST_F(ConfirmPaymentTest, RecoveryTakesUpWhatAnotherWorkerHadClaimed) {
  const Payment payment = Waiting();
  Approve(payment);
  store_.FailStarts(true);
  EXPECT_THAT(Confirm(payment), StatusHasReason(Reason::kUnavailable));
  store_.FailStarts(false);
  clock_.Advance(kLease);
  const auto claimed = runtime_.Run(store_.ClaimAwaiting(NowInMicroseconds(clock_), 100));
  ASSERT_EQ(claimed->size(), 1u);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Kept(payment).state, State::kSucceeded);
}

// What is not approved yet is not asked about at every lease, nor only at its expiry.
TEST_F(ConfirmPaymentTest, RecoveryLooksAtWhatIsPendingNowAndThen) {
  const Payment payment = Waiting();
  EXPECT_THAT(Confirm(payment), StatusHasReason(Reason::kApprovalPending));
  int looks = 0;
  for (int i = 0; i < 20; ++i) looks += Recover().value();
  EXPECT_GE(looks, 2);
  EXPECT_LE(looks, 4);
  EXPECT_EQ(Kept(payment).state, State::kRequiresAction);
}

TEST_F(ConfirmPaymentTest, RecoveryTriesAgainWhileAuthIsAway) {
  const Payment payment = Waiting();
  approvals_double_.SetAvailable(false);
  clock_.Advance(kApprovalTime);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Kept(payment).state, State::kRequiresAction);
  approvals_double_.SetAvailable(true);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Kept(payment).state, State::kCanceled);
}

}  // namespace
}  // namespace florin::payments
