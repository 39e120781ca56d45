// Captures, refunds and disputes over the fake store and a real channel to the ledger's double.
#include "services/payments/flow/charge_steps.h"

#include <future>
#include <random>
#include <vector>

#include <boost/asio/use_future.hpp>

#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step_transaction.h"
#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

// The user pays from A to the stranger's C.
class ChargeStepsTest : public PaymentsFixture {
 protected:
  Payment Pay(std::int64_t minor_units, std::optional<absl::Duration> timeout,
              const std::string& key = "key") {
    PaymentRequest request = Transfer(minor_units);
    request.destination_account_id = c_;
    request.authorization_timeout = timeout;
    const auto made = Create(request, key);
    EXPECT_THAT(made, IsOk());
    return made->payment;
  }
  Payment Authorize(std::int64_t minor_units) { return Pay(minor_units, absl::Hours(1)); }
  Payment Moved(std::int64_t minor_units) { return Pay(minor_units, std::nullopt); }

  Step Of(const Payment& payment, StepKind kind, std::int64_t amount = 0) {
    return {
        .step_id = SystemIds().NewId(),
        .payment_id = payment.payment_id,
        .user_id = kind == StepKind::kDispute || kind == StepKind::kWithdraw ? user_ : stranger_,
        .kind = kind,
        .amount_minor = amount,
        .may_owe = kind == StepKind::kDispute};
  }
  absl::StatusOr<ChargeSteps::Outcome> Run(const Step& step, const std::string& key = "key") {
    return runtime_.Run(steps_.Run(step, key));
  }
  // "succeeded", or why not.
  std::string Do(const Step& step, const std::string& key = "key") {
    const auto outcome = Run(step, key);
    EXPECT_THAT(outcome, IsOk());
    if (!outcome.ok()) return "error";
    return outcome->step.state == StepState::kFailed ? outcome->step.failure_reason
                                                     : std::string(NameOf(outcome->step.state));
  }
  std::string Capture(const Payment& payment, std::int64_t amount, const std::string& key,
                      bool final = false) {
    Step step = Of(payment, StepKind::kCapture, amount);
    step.final = final;
    return Do(step, key);
  }
  absl::StatusOr<int> RecoverSteps() {
    clock_.Advance(kLease);
    return runtime_.Run(charge_recovery_.RunOnce());
  }
  Payment Kept(const Payment& payment) {
    return runtime_.Run(store_.FindPayment(payment.payment_id)).value();
  }
  std::int64_t Owed() { return -ledger_double_.BalanceOf(ReceivableAccount(c_)); }
  std::int64_t Disputed() {
    return ledger_double_.BalanceOf(DisputesAccount(*Currency::Parse("EUR")));
  }
};

TEST_F(ChargeStepsTest, AnAuthorizationSetsMoneyAside) {
  const Payment payment = Authorize(400);
  EXPECT_EQ(payment.state, State::kRequiresCapture);
  EXPECT_EQ(payment.authorization_expire_time, clock_.Now() + absl::Hours(1));
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 400);
  EXPECT_EQ(Pay(601, absl::Hours(1), "more").failure_reason, "insufficient_funds");
}

TEST_F(ChargeStepsTest, AnApprovalComesBeforeTheAuthorization) {
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(1);
  rpc::Outgoing context;
  const auto made = runtime_.Run(judging_create_.Run(context, user_, "key", request));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kRequiresAction);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(Do(Of(made->payment, StepKind::kCapture, 1)), "payment_not_capturable");
  approvals_double_.SetState(FormatId(IdKind::kApproval, made->payment.approval->approval_id),
                             auth::v1::Approval::APPROVED);
  const auto confirmed = runtime_.Run(confirm_.Run(context, user_, made->payment.payment_id));
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, State::kRequiresCapture);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 400);
  EXPECT_EQ(Capture(*confirmed, 0, "all"), "succeeded");
}

// The hold's answer is lost: the recovery worker finds it, and when it ends.
TEST_F(ChargeStepsTest, AnAuthorizationSurvivesACrash) {
  ledger_double_.SetFault(Fault::kAnswerLost);
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  request.authorization_timeout = absl::Hours(1);
  const absl::Time expires = clock_.Now() + absl::Hours(1);
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payments().at(0).state, State::kRequiresCapture);
  EXPECT_EQ(Payments().at(0).authorization_expire_time, expires);
}

TEST_F(ChargeStepsTest, CapturesInParts) {
  const Payment payment = Authorize(400);
  EXPECT_EQ(Capture(payment, 150, "1"), "succeeded");
  EXPECT_EQ(Kept(payment).state, State::kRequiresCapture);
  EXPECT_EQ(Capture(payment, 251, "2"), "capture_exceeds_authorization");
  EXPECT_EQ(Capture(payment, 0, "3"), "succeeded");
  EXPECT_EQ(Kept(payment).state, State::kSucceeded);
  EXPECT_EQ(Capture(payment, 1, "4"), "payment_not_capturable");
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
}

TEST_F(ChargeStepsTest, AFinalCaptureReleasesTheRest) {
  const Payment payment = Authorize(400);
  EXPECT_EQ(Capture(payment, 150, "1", true), "succeeded");
  EXPECT_EQ(Kept(payment).state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 850);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
}

TEST_F(ChargeStepsTest, AKeyStandsForOneStep) {
  const Payment payment = Authorize(400);
  const auto first = Run(Of(payment, StepKind::kCapture, 100));
  const auto again = Run(Of(payment, StepKind::kCapture, 100));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->step, first->step);
  EXPECT_THAT(Run(Of(payment, StepKind::kCapture, 101)),
              StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 100);
}

// What was refused because too little was left stays refused, although more is left now.
TEST_F(ChargeStepsTest, ARefusalStaysUnderItsKey) {
  const Payment payment = Authorize(400);
  EXPECT_EQ(Capture(payment, 100, "1"), "succeeded");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 200), "refund"), "refund_exceeds_captured");
  EXPECT_EQ(Capture(payment, 300, "2"), "succeeded");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 200), "refund"), "refund_exceeds_captured");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 200), "another"), "succeeded");
}

// Somebody has changed a row behind our back, so that what the ledger decided cannot be recorded.
TEST_F(ChargeStepsTest, OneBadRowHoldsUpNoOtherStep) {
  std::vector<Payment> payments;
  std::vector<StepResult> results;
  for (int i = 0; i < 3; ++i) {
    payments.push_back(Pay(100, absl::Hours(1), std::to_string(i)));
    Step step = Of(payments.back(), StepKind::kCapture, 100);
    ledger_double_.SetFault(Fault::kUnavailable);
    EXPECT_THAT(Run(step, std::to_string(i)), StatusHasReason(Reason::kUnavailable));
    ledger_double_.SetFault(Fault::kNone);
    LedgerAnswer committed{.committed = true};
    committed.moved_minor = {100};
    results.push_back({.step = step, .answer = committed, .time = clock_.Now()});
    results.back().step.attempt = 1;
  }
  store_.Tamper(user_, payments[1].payment_id,
                [](Payment& payment) { payment.state = State::kCanceled; });
  const auto recorded = runtime_.Run(RecordEach(store_, results));
  ASSERT_THAT(recorded, IsOk());
  ASSERT_EQ(recorded->size(), 3u);
  EXPECT_THAT((*recorded)[0], IsOk());
  EXPECT_THAT((*recorded)[1], StatusHasReason(Reason::kInternal));
  EXPECT_THAT((*recorded)[2], IsOk());
  EXPECT_EQ(Kept(payments[0]).state, State::kSucceeded);
  EXPECT_EQ(Kept(payments[2]).state, State::kSucceeded);
}

TEST_F(ChargeStepsTest, AVoidReleasesEverything) {
  const Payment payment = Authorize(400);
  EXPECT_EQ(Do(Of(payment, StepKind::kVoid)), "succeeded");
  EXPECT_EQ(Kept(payment).state, State::kCanceled);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

TEST_F(ChargeStepsTest, TimeEndsAnAuthorization) {
  const Payment captured = Authorize(100);
  const Payment untouched = Pay(200, absl::Hours(1), "untouched");
  EXPECT_EQ(Capture(captured, 30, "1"), "succeeded");
  EXPECT_EQ(RecoverSteps().value(), 0);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(RecoverSteps().value(), 2);
  EXPECT_EQ(Kept(captured).state, State::kSucceeded);
  EXPECT_EQ(Kept(untouched).state, State::kCanceled);
  EXPECT_EQ(Kept(untouched).failure_reason, "authorization_expired");
  EXPECT_EQ(Capture(untouched, 1, "2"), "authorization_expired");
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 970);
  EXPECT_EQ(RecoverSteps().value(), 0);
}

TEST_F(ChargeStepsTest, NothingIsCapturedAfterItsTime) {
  const Payment payment = Authorize(400);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Capture(payment, 100, "1"), "authorization_expired");
  EXPECT_EQ(Kept(payment).state, State::kCanceled);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
}

// The ledger never hears of it; hears of it and its answer is lost; has answered and the database
// is gone: each ends by itself, once.
TEST_F(ChargeStepsTest, SurvivesACrashBetweenAnyTwoSteps) {
  const Payment payment = Authorize(900);
  std::int64_t captured = 0;
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost}) {
    ledger_double_.SetFault(fault);
    const std::string key = std::to_string(static_cast<int>(fault));
    EXPECT_THAT(Run(Of(payment, StepKind::kCapture, 100), key),
                StatusHasReason(Reason::kUnavailable));
    EXPECT_EQ(Kept(payment).counters.capturing_minor, 100);
    ledger_double_.SetFault(Fault::kNone);
    EXPECT_EQ(RecoverSteps().value(), 1);
    captured += 100;
    EXPECT_EQ(Kept(payment).counters.captured_minor, captured);
    EXPECT_EQ(Kept(payment).counters.capturing_minor, 0);
    EXPECT_EQ(Do(Of(payment, StepKind::kCapture, 100), key), "succeeded");
  }
  store_.FailRecords(true);
  EXPECT_THAT(Run(Of(payment, StepKind::kCapture, 100), "db"),
              StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Run(Of(payment, StepKind::kRefund, 50), "refund"),
              StatusHasReason(Reason::kUnavailable));
  store_.FailRecords(false);
  EXPECT_EQ(RecoverSteps().value(), 2);
  EXPECT_EQ(Kept(payment).counters.captured_minor, 300);
  EXPECT_EQ(Kept(payment).counters.refunded_minor, 50);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 250);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 750);
}

TEST_F(ChargeStepsTest, ARefusalThatTheLedgerForgetsIsTriedAgain) {
  const Payment payment = Moved(400);
  ledger_double_.SetFault(Fault::kNotFinal);
  EXPECT_THAT(Run(Of(payment, StepKind::kRefund, 100)), StatusHasReason(Reason::kInternal));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(RecoverSteps().value(), 1);
  EXPECT_EQ(Kept(payment).counters.refunded_minor, 100);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 700);
}

TEST_F(ChargeStepsTest, RefundsInPartsButNeverMoreThanCaptured) {
  const Payment payment = Moved(400);
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 150), "1"), "succeeded");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 251), "2"), "refund_exceeds_captured");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund), "3"), "succeeded");
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 1), "4"), "refund_exceeds_captured");
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
}

TEST_F(ChargeStepsTest, RefundsAtOnceNeverSumToMore) {
  const Payment payment = Moved(400);
  std::vector<std::future<absl::StatusOr<ChargeSteps::Outcome>>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(asio::co_spawn(runtime_.executor(),
                                 steps_.Run(Of(payment, StepKind::kRefund, 90), std::to_string(i)),
                                 asio::use_future));
  }
  int succeeded = 0;
  for (auto& one : all) succeeded += one.get()->step.state == StepState::kSucceeded;
  EXPECT_EQ(succeeded, 4);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 40);
}

// Captures, refunds and a void cross each other, while the ledger comes and goes: in the end the
// payment says what the ledger says.
TEST_F(ChargeStepsTest, WhateverCrossesAgreesWithTheLedgerInTheEnd) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const Uuid source = SystemIds().NewId();
    const Uuid destination = SystemIds().NewId();
    const Currency eur = *Currency::Parse("EUR");
    accounts_double_.Add({.account_id = source, .owner_user_id = user_, .currency = eur});
    accounts_double_.Add({.account_id = destination, .owner_user_id = stranger_, .currency = eur});
    ledger_double_.Fund(source, 1000);
    ledger_double_.Fund(destination, 0);
    PaymentRequest request = Transfer(1000);
    request.source_account_id = source;
    request.destination_account_id = destination;
    request.authorization_timeout = absl::Hours(1);
    const Payment payment = Create(request, std::to_string(seed))->payment;

    std::vector<std::future<absl::StatusOr<ChargeSteps::Outcome>>> all;
    for (int i = 0; i < 25; ++i) {
      const Fault faults[] = {Fault::kNone, Fault::kNone, Fault::kUnavailable, Fault::kAnswerLost};
      ledger_double_.SetFault(faults[random() % 4]);
      const StepKind kind =
          i == 15 ? StepKind::kVoid : (random() % 3 == 0 ? StepKind::kRefund : StepKind::kCapture);
      const std::string key = std::to_string(seed) + "." + std::to_string(i);
      const auto amount = static_cast<std::int64_t>(1 + random() % 150);
      all.push_back(asio::co_spawn(runtime_.executor(), steps_.Run(Of(payment, kind, amount), key),
                                   asio::use_future));
      if (random() % 2 == 0) all.back().wait();
    }
    for (auto& one : all) one.wait();
    ledger_double_.SetFault(Fault::kNone);
    EXPECT_THAT(RecoverSteps(), IsOk());

    const Payment kept = Kept(payment);
    EXPECT_TRUE(IsTerminal(kept.state)) << NameOf(kept.state);
    EXPECT_EQ(kept.counters.capturing_minor, 0);
    EXPECT_EQ(ledger_double_.HeldOf(source), 0);
    const std::int64_t moved = kept.counters.captured_minor - kept.counters.refunded_minor;
    EXPECT_EQ(ledger_double_.BalanceOf(destination), moved) << "seed " << seed;
    EXPECT_EQ(ledger_double_.BalanceOf(source), 1000 - moved) << "seed " << seed;
    EXPECT_EQ(kept.state == State::kCanceled, kept.counters.captured_minor == 0);
  }
}

// The payee has spent what they got.
class ShortfallTest : public ChargeStepsTest {
 protected:
  Payment Spent(std::int64_t left) {
    const Payment payment = Moved(400);
    ledger_double_.Fund(c_, left - 400);
    return payment;
  }
  Step Refund(const Payment& payment, bool may_owe) {
    Step step = Of(payment, StepKind::kRefund);
    step.may_owe = may_owe;
    return step;
  }
};

TEST_F(ShortfallTest, IsRefusedAndGivenBack) {
  const Payment payment = Spent(100);
  EXPECT_EQ(Do(Refund(payment, false)), "insufficient_funds");
  EXPECT_EQ(Kept(payment).counters.refunded_minor, 0);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 100);
  ledger_double_.Fund(c_, 300);
  EXPECT_EQ(Do(Refund(payment, false)), "insufficient_funds");
  EXPECT_EQ(Do(Refund(payment, false), "another"), "succeeded");
}

TEST_F(ShortfallTest, OrBecomesADebt) {
  const Payment payment = Spent(100);
  const auto refunded = Run(Refund(payment, true));
  ASSERT_THAT(refunded, IsOk());
  EXPECT_EQ(refunded->step.state, StepState::kSucceeded);
  EXPECT_EQ(refunded->step.owed_minor, 300);
  EXPECT_EQ(Owed(), 300);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

TEST_F(ShortfallTest, ThereIsNoDebtWhereTheBalanceCoversIt) {
  const Payment payment = Moved(400);
  const auto refunded = Run(Refund(payment, true));
  ASSERT_THAT(refunded, IsOk());
  EXPECT_EQ(refunded->step.owed_minor, 0);
  EXPECT_EQ(Owed(), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
}

TEST_F(ShortfallTest, AClosedAccountOwesAllOfIt) {
  const Payment payment = Moved(400);
  ledger_double_.Close(c_);
  EXPECT_EQ(Do(Refund(payment, false), "1"), "account_closed");
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Run(Refund(payment, true), "2"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(RecoverSteps().value(), 1);
  const auto refunded = Run(Refund(payment, true), "2");
  ASSERT_THAT(refunded, IsOk());
  EXPECT_EQ(refunded->step.attempt, 2);
  EXPECT_EQ(refunded->step.owed_minor, 400);
  EXPECT_EQ(Owed(), 400);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

class DisputeTest : public ShortfallTest {
 protected:
  Dispute Open(const Payment& payment, std::int64_t amount = 0) {
    Step step = Of(payment, StepKind::kDispute, amount);
    step.note = "fraudulent";
    const auto opened = Run(step);
    EXPECT_THAT(opened, IsOk());
    EXPECT_TRUE(opened->charge.dispute.has_value());
    // The same for every replay.
    step.step_id = SystemIds().NewId();
    EXPECT_EQ(Run(step)->charge.dispute, opened->charge.dispute);
    return *opened->charge.dispute;
  }
  std::string Decide(const Dispute& dispute, StepKind kind, std::string_view outcome = "") {
    Step step =
        Of({.payment_id = dispute.payment_id, .amount = {0, *Currency::Parse("EUR")}}, kind);
    step.dispute_id = dispute.dispute_id;
    step.note = outcome;
    return Do(step, "decide");
  }
  DisputeState StateOf(const Dispute& dispute) {
    return runtime_.Run(store_.GetDispute(dispute.dispute_id)).value().state;
  }
};

TEST_F(DisputeTest, WithdrawsTheMoneyUntilItIsDecided) {
  const Payment payment = Moved(400);
  const Dispute dispute = Open(payment, 300);
  EXPECT_EQ(dispute.state, DisputeState::kNeedsResponse);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 100);
  EXPECT_EQ(Disputed(), 300);
  EXPECT_EQ(Do(Of(payment, StepKind::kRefund, 101)), "refund_exceeds_captured");
  EXPECT_EQ(Decide(dispute, StepKind::kAccept), "succeeded");
  EXPECT_EQ(StateOf(dispute), DisputeState::kLost);
  EXPECT_EQ(Disputed(), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 900);
}

TEST_F(DisputeTest, WithdrawnItGoesBack) {
  const Dispute dispute = Open(Moved(400));
  EXPECT_EQ(Decide(dispute, StepKind::kWithdraw), "succeeded");
  EXPECT_EQ(StateOf(dispute), DisputeState::kWithdrawn);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
  EXPECT_EQ(Disputed(), 0);
}

TEST_F(DisputeTest, WonRepaysTheDebtFirst) {
  const Payment payment = Spent(100);
  const Dispute dispute = Open(payment);
  EXPECT_EQ(Owed(), 300);
  EXPECT_EQ(Decide(dispute, StepKind::kResolve, kWon), "dispute_closed") << "it needs a response";
  clock_.Advance(kResponseTime);
  EXPECT_THAT(RecoverSteps(), IsOk());
  EXPECT_EQ(StateOf(dispute), DisputeState::kUnderReview);
  Step step = Of(payment, StepKind::kResolve);
  step.dispute_id = dispute.dispute_id;
  step.note = kWon;
  const auto won = Run(step, "again");
  ASSERT_THAT(won, IsOk());
  EXPECT_EQ(won->step.owed_minor, -300);
  EXPECT_EQ(StateOf(dispute), DisputeState::kWon);
  EXPECT_EQ(Owed(), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 100);
  EXPECT_EQ(Disputed(), 0);
}

TEST_F(DisputeTest, ADecisionSurvivesACrash) {
  const Dispute dispute = Open(Moved(400));
  ledger_double_.SetFault(Fault::kAnswerLost);
  Step step = Of({.payment_id = dispute.payment_id, .amount = {0, *Currency::Parse("EUR")}},
                 StepKind::kAccept);
  step.dispute_id = dispute.dispute_id;
  EXPECT_THAT(Run(step), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Decide(dispute, StepKind::kWithdraw), "dispute_closed") << "it is being decided";
  EXPECT_EQ(RecoverSteps().value(), 1);
  EXPECT_EQ(StateOf(dispute), DisputeState::kLost);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
  EXPECT_EQ(Disputed(), 0);
}

}  // namespace
}  // namespace florin::payments
