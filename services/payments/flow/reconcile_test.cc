#include "services/payments/flow/reconcile.h"

#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReconcileTest : public PaymentsFixture {
 protected:
  ReconcileTest() { clock_.Advance(absl::Hours(1)); }

  // Made and moved, as the reader tells, too.
  Payment Moved(const std::string& key) {
    const Payment payment = Create(Transfer(1), key)->payment;
    reader_double_.Tell(payment);
    return payment;
  }
  ReconcileResult Run() {
    clock_.Advance(2 * kReconcileAfter);
    const auto result = runtime_.Run(reconcile_.RunOnce());
    EXPECT_THAT(result, IsOk());
    return *result;
  }
  Task<void> Count() {
    ++pauses_;
    co_return;
  }
  std::vector<DiscrepancyKind> Open() {
    std::vector<DiscrepancyKind> kinds;
    const auto open =
        runtime_.Run(store_.ListDiscrepancies(DiscrepancyState::kOpen, std::nullopt, 100));
    for (const KeptDiscrepancy& kept : open.value()) {
      kinds.push_back(kept.discrepancy.kind);
    }
    return kinds;
  }

  int pauses_ = 0;
  Reconcile reconcile_{store_, reader_, clock_, "main", [this]() -> Task<void> { return Count(); }};
};

TEST_F(ReconcileTest, ComparesEachOnce) {
  for (int i = 0; i < 3; ++i) Moved(std::to_string(i));
  const ReconcileResult first = Run();
  EXPECT_EQ(first.payments, 3);
  EXPECT_EQ(first.transactions, 3);
  EXPECT_EQ(first.found, 0);
  EXPECT_THAT(Open(), IsEmpty());
  Moved("3");
  const ReconcileResult second = Run();
  EXPECT_EQ(second.payments, 1);
  EXPECT_EQ(second.transactions, 1);
  EXPECT_EQ(Run().payments, 0);
}

// More at one moment than are read at once.
TEST_F(ReconcileTest, ComparesCrowds) {
  for (int i = 0; i < 700; ++i) Moved(std::to_string(i));
  EXPECT_EQ(Run().payments, 700);
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_GE(pauses_, 2) << "it goes slowly through what is much";
  pauses_ = 0;
  Run();
  EXPECT_EQ(pauses_, 0) << "and without pause through what is little";
}

TEST_F(ReconcileTest, LeavesTheYoungToTheirRequests) {
  Moved("1");
  clock_.Advance(kReconcileAfter);
  EXPECT_EQ(runtime_.Run(reconcile_.RunOnce())->payments, 0);
  EXPECT_EQ(Run().payments, 1);
}

TEST_F(ReconcileTest, FindsWhatTheLedgerDoesNotKnowAndAgreesWhenItDoes) {
  const Payment payment = Create(Transfer(400), "1")->payment;
  EXPECT_EQ(Run().found, 1);
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kMissingInLedger));
  reader_double_.Tell(payment);
  const ReconcileResult later = Run();
  EXPECT_EQ(later.agreed, 1);
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(ReconcileTest, FindsWhatIsStuckAndAgreesWhenItHasEnded) {
  ledger_double_.SetFault(LedgerDouble::Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "1"), StatusHasReason(Reason::kUnavailable));
  Run();
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kUnfinished));
  ledger_double_.SetFault(LedgerDouble::Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  reader_double_.Tell(Payments()[0]);
  Run();
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(ReconcileTest, FindsWhatWasAlteredHere) {
  const Payment payment = Moved("1");
  store_.Tamper(user_, payment.payment_id, [](Payment& kept) { kept.amount.minor_units = 2; });
  Run();
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kAmountDiffers));
  store_.Tamper(user_, payment.payment_id, [](Payment& kept) { kept.amount.minor_units = 1; });
  Run();
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(ReconcileTest, FindsWhatNobodyHereHasAskedFor) {
  Payment invented = Moved("1");
  invented.payment_id = SystemIds().NewId();
  invented.transaction_id = SystemIds().NewId();
  reader_double_.Tell(invented);
  Run();
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kUnknownTransaction));
}

TEST_F(ReconcileTest, ComparesSteps) {
  PaymentRequest request = Transfer(400);
  request.destination_account_id = c_;
  const Payment payment = Create(request, "1")->payment;
  reader_double_.Tell(payment);
  Step refund{.step_id = SystemIds().NewId(),
              .payment_id = payment.payment_id,
              .user_id = stranger_,
              .kind = StepKind::kRefund,
              .amount_minor = 100};
  const auto refunded = runtime_.Run(steps_.Run(refund, "refund"));
  ASSERT_THAT(refunded, IsOk());
  EXPECT_EQ(Run().steps, 1);
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kMissingInLedger));
}

TEST_F(ReconcileTest, GoesOnWhereTheLedgerCouldNotBeReached) {
  Moved("1");
  reader_double_.SetAvailable(false);
  clock_.Advance(2 * kReconcileAfter);
  EXPECT_THAT(runtime_.Run(reconcile_.RunOnce()), StatusHasReason(Reason::kUnavailable));
  reader_double_.SetAvailable(true);
  EXPECT_EQ(Run().payments, 1);
}

TEST_F(ReconcileTest, RecoveryGivesUpOnWhatTheLedgerDoesNotDecide) {
  ledger_double_.SetFault(LedgerDouble::Fault::kNotFinal);
  EXPECT_THAT(Create(Transfer(400), "1"), StatusHasReason(Reason::kInternal));
  int rounds = 0;
  while (Open().empty()) {
    ASSERT_LT(++rounds, 50);
    clock_.Advance(absl::Minutes(2));
    EXPECT_THAT(runtime_.Run(recovery_.RunOnce()), IsOk());
  }
  EXPECT_EQ(rounds, kMostFailures);
  EXPECT_THAT(Open(), ElementsAre(DiscrepancyKind::kParked));
  // Nobody takes it up, and it does not go away by itself.
  ledger_double_.SetFault(LedgerDouble::Fault::kNone);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(runtime_.Run(recovery_.RunOnce()).value(), 0);
  EXPECT_EQ(Payments()[0].state, State::kProcessing);

  audit::Origin origin;
  EXPECT_EQ(runtime_
                .Run(store_.TakeUpAgain(Payments()[0].payment_id, stranger_, clock_.Now(),
                                        std::move(origin)))
                .value(),
            1);
  EXPECT_EQ(runtime_.Run(recovery_.RunOnce()).value(), 1);
  EXPECT_EQ(Payments()[0].state, State::kSucceeded);
  EXPECT_THAT(Open(), IsEmpty());
}

// Not reached is no failure of a payment: nothing is parked by a ledger that is down for hours.
TEST_F(ReconcileTest, NothingIsParkedByALedgerThatIsDown) {
  ledger_double_.SetFault(LedgerDouble::Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "1"), StatusHasReason(Reason::kUnavailable));
  for (int i = 0; i < 3 * kMostFailures; ++i) {
    EXPECT_THAT(Recover(), StatusHasReason(Reason::kUnavailable));
  }
  ledger_double_.SetFault(LedgerDouble::Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_THAT(Open(), IsEmpty());
}

}  // namespace
}  // namespace florin::payments
