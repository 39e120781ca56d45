#include "services/payments/flow/recovery.h"

#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

class RecoveryTest : public PaymentsFixture {};

TEST_F(RecoveryTest, FinishesWhatTheLedgerNeverHeardOf) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "1"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Create(Deposit(5), "2"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Create(Transfer(5000), "3"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 3);
  EXPECT_EQ(Create(Transfer(400), "1")->payment.state, State::kSucceeded);
  EXPECT_EQ(Create(Deposit(5), "2")->payment.state, State::kSucceeded);
  EXPECT_EQ(Create(Transfer(5000), "3")->payment.failure_reason, "insufficient_funds");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 405);
  EXPECT_EQ(Recover().value(), 0);
}

TEST_F(RecoveryTest, FindsOutWhatTheLedgerHasDone) {
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payments().at(0).state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.committed(), 1);
}

TEST_F(RecoveryTest, RecordsWhatCouldNotBeRecorded) {
  store_.FailRecords(true);
  EXPECT_THAT(Create(Transfer(400), "1"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Create(Transfer(5000), "2"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Recover(), StatusHasReason(Reason::kUnavailable));
  store_.FailRecords(false);
  EXPECT_EQ(Recover().value(), 2);
  EXPECT_EQ(Payments().at(0).state, State::kFailed);
  EXPECT_EQ(Payments().at(1).state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 400);
}

TEST_F(RecoveryTest, LeavesPaymentsToTheirRequestsForALease) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(runtime_.Run(recovery_.RunOnce()).value(), 0);
  EXPECT_EQ(Payments().at(0).state, State::kProcessing);
}

TEST_F(RecoveryTest, TriesAgainUntilTheLedgerIsThere) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Recover(), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Recover(), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 1);
  EXPECT_EQ(Payments().at(0).state, State::kSucceeded);
}

// A payment that the ledger will not decide must not keep others from their end.
TEST_F(RecoveryTest, OneUndecidedPaymentHoldsUpNoOther) {
  ledger_double_.SetFault(Fault::kUnavailable);
  const Uuid unknown_to_ledger = SystemIds().NewId();
  accounts_double_.Add({.account_id = unknown_to_ledger,
                        .owner_user_id = user_,
                        .currency = *Currency::Parse("EUR")});
  PaymentRequest request = Transfer(1);
  request.destination_account_id = unknown_to_ledger;
  EXPECT_THAT(Create(request, "1"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Create(Transfer(400), "2"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Recover().value(), 2);
  EXPECT_EQ(Payments().at(0).state, State::kSucceeded);
  EXPECT_EQ(Payments().at(1).state, State::kProcessing);
}

}  // namespace
}  // namespace florin::payments
