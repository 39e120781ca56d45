#include "services/payments/flow/create_payment.h"

#include <future>
#include <set>

#include <boost/asio/use_future.hpp>

#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class CreatePaymentTest : public PaymentsFixture {};

TEST_F(CreatePaymentTest, ATransferMovesTheMoney) {
  const auto made = Create(Transfer(400), "key");
  ASSERT_THAT(made, IsOk());
  EXPECT_FALSE(made->replayed);
  EXPECT_EQ(made->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 600);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 400);
  EXPECT_THAT(Payments(), ::testing::ElementsAre(made->payment));
}

TEST_F(CreatePaymentTest, TheLedgerLearnsThePaymentButNoPersonalData) {
  const auto made = Create(Transfer(400), "key");
  ASSERT_THAT(made, IsOk());
  const std::string payment_id = FormatId(IdKind::kPayment, made->payment.payment_id);
  EXPECT_THAT(ledger_double_.all_requests(), HasSubstr(payment_id));
  EXPECT_THAT(ledger_double_.all_requests(), Not(HasSubstr("secret reference")));
}

TEST_F(CreatePaymentTest, ARetryIsAnsweredAsTheFirstTimeAndMovesNothing) {
  const auto made = Create(Transfer(400), "key");
  clock_.Advance(absl::Hours(1));
  const auto again = Create(Transfer(400), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment, made->payment);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 400);
}

TEST_F(CreatePaymentTest, AKeyStandsForOneRequest) {
  ASSERT_THAT(Create(Transfer(400), "key"), IsOk());
  EXPECT_THAT(Create(Transfer(401), "key"), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 400);
  // The scope of a key is its method.
  EXPECT_THAT(Create(Deposit(400), "key"), IsOk());
}

TEST_F(CreatePaymentTest, ARefusalIsFinalUnderItsKey) {
  const auto refused = Create(Transfer(1001), "key");
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused->payment.state, State::kFailed);
  EXPECT_EQ(refused->payment.failure_reason, "insufficient_funds");
  ledger_double_.Fund(a_, 5000);
  const auto again = Create(Transfer(1001), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment, refused->payment);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 0);
  EXPECT_THAT(Create(Transfer(1001), "another key"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 1001);
}

// The ledger knows that the source is frozen; why, the accounts service knows at that moment,
// whatever is remembered of the account.
TEST_F(CreatePaymentTest, ADormantSourceIsToldFromAFrozenOne) {
  EXPECT_THAT(Create(Transfer(1), "before"), IsOk());
  ledger_double_.FreezeDebits(a_, true);
  EXPECT_EQ(Create(Transfer(1), "frozen")->payment.failure_reason, "account_frozen");
  accounts_double_.SetDormant(a_, true);
  const auto dormant = Create(Transfer(1), "dormant");
  ASSERT_THAT(dormant, IsOk());
  EXPECT_EQ(dormant->payment.state, State::kFailed);
  EXPECT_THAT(FailureOf(dormant->payment), StatusHasReason(Reason::kAccountDormant));
  // What was told stays.
  accounts_double_.SetDormant(a_, false);
  EXPECT_EQ(Create(Transfer(1), "dormant")->payment, dormant->payment);
  ledger_double_.FreezeDebits(a_, false);
  EXPECT_EQ(Create(Transfer(1), "woken")->payment.state, State::kSucceeded);
  // What the payer does not have is no matter of dormancy.
  accounts_double_.SetDormant(a_, true);
  EXPECT_EQ(Create(Transfer(2000), "poor")->payment.failure_reason, "insufficient_funds");
}

TEST_F(CreatePaymentTest, RecoveryTellsADormantSourceToo) {
  ledger_double_.SetFault(LedgerDouble::Fault::kUnavailable);
  EXPECT_THAT(Create(Transfer(1), "key"), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(LedgerDouble::Fault::kNone);
  ledger_double_.FreezeDebits(a_, true);
  accounts_double_.SetDormant(a_, true);
  EXPECT_THAT(Recover(), IsOk());
  EXPECT_EQ(Payments().front().failure_reason, "account_dormant");
}

TEST_F(CreatePaymentTest, WhyASourceIsFrozenHoldsUpNoPayment) {
  EXPECT_THAT(Create(Transfer(1), "before"), IsOk());  // The accounts are remembered.
  ledger_double_.FreezeDebits(a_, true);
  accounts_double_.SetDormant(a_, true);
  accounts_double_.SetAvailable(false);
  EXPECT_EQ(Create(Transfer(1), "key")->payment.failure_reason, "account_frozen");
}

TEST_F(CreatePaymentTest, WhatIsRefusedBeforeTheIntentLeavesNoTrace) {
  PaymentRequest request = Transfer(1);
  request.reference = "\n";
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kInvalidReference));
  request = Transfer(1);
  request.source_account_id = c_;
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kAccountNotFound));
  request = Transfer(1);
  request.destination_account_id = SystemIds().NewId();
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kAccountNotFound));
  request = Transfer(1);
  request.destination_account_id = d_;
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kCurrencyMismatch));
  request = Deposit(1);
  request.destination_account_id = c_;
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kAccountNotFound));
  accounts_double_.SetAvailable(false);
  request = Transfer(1);
  request.destination_account_id = SystemIds().NewId();
  EXPECT_THAT(Create(request, "key"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Payments(), IsEmpty());
  EXPECT_EQ(ledger_double_.committed(), 0);
  // And the key is still free.
  accounts_double_.SetAvailable(true);
  EXPECT_THAT(Create(Transfer(1), "key"), IsOk());
}

TEST_F(CreatePaymentTest, AnybodyCanBePaid) {
  PaymentRequest request = Transfer(10);
  request.destination_account_id = c_;
  ASSERT_THAT(Create(request, "key"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 10);
}

TEST_F(CreatePaymentTest, AHolderPaysAsLongAsTheyHold) {
  accounts_double_.SetHolders(c_, {{.user_id = user_, .may_pay = true}});
  ledger_double_.Fund(c_, 100);
  PaymentRequest request = Transfer(10);
  request.source_account_id = c_;
  ASSERT_THAT(Create(request, "1"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 10);
  // Nothing of who holds is remembered: a change counts from the next payment on.
  accounts_double_.SetHolders(c_, {{.user_id = user_, .may_pay = false}});
  EXPECT_THAT(Create(request, "2"), StatusHasReason(Reason::kHolderRoleMissing));
  accounts_double_.SetHolders(c_, {});
  EXPECT_THAT(Create(request, "2"), StatusHasReason(Reason::kAccountNotFound));
  // What was paid is told as before.
  const auto again = Create(request, "1");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 10);
}

TEST_F(CreatePaymentTest, APocketMovesMoneyBetweenItsOwnersAccountsOnly) {
  accounts_double_.SetKind(b_, AccountKind::kSavings);
  ASSERT_THAT(Create(Transfer(100), "1"), IsOk());
  PaymentRequest away = Transfer(10);
  away.source_account_id = b_;
  away.destination_account_id = c_;
  EXPECT_THAT(Create(away, "2").status(), ::testing::AllOf(StatusHasReason(Reason::kInvalidField),
                                                           StatusHasParam("source_account_id")));
  EXPECT_THAT(Create(Deposit(1), "3"), StatusHasReason(Reason::kInvalidField));
  away.splits = {{.destination_account_id = c_, .amount_minor = 10}};
  away.destination_account_id = Uuid();
  EXPECT_THAT(Create(away, "4"), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 100);
}

TEST_F(CreatePaymentTest, AnOwnersPaymentAsksForNoHolders) {
  ASSERT_THAT(Create(Transfer(10), "1"), IsOk());
  const int asked = accounts_double_.lookups();
  ASSERT_THAT(Create(Transfer(10), "2"), IsOk());
  EXPECT_EQ(accounts_double_.lookups(), asked);
}

TEST_F(CreatePaymentTest, AHolderWhoPaysThemselvesIsNoExemptionFromTheApproval) {
  accounts_double_.SetHolders(c_, {{.user_id = user_, .may_pay = true}});
  ledger_double_.Fund(c_, 1000);
  PaymentRequest request = Transfer(900);
  request.source_account_id = c_;
  rpc::Outgoing context;
  const auto made = runtime_.Run(judging_create_.Run(context, user_, "key", request));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->payment.state, State::kRequiresAction);
  // Between accounts of one's own there is one.
  const auto own = runtime_.Run(judging_create_.Run(context, user_, "own", Transfer(900)));
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own->payment.state, State::kSucceeded);
}

TEST_F(CreatePaymentTest, WhileTheLedgerIsAwayAPaymentStaysInProcessing) {
  ledger_double_.SetFault(Fault::kUnavailable);
  const auto made = Create(Transfer(400), "key");
  EXPECT_THAT(made, StatusHasReason(Reason::kUnavailable));
  const std::vector<Payment> payments = Payments();
  ASSERT_THAT(payments, SizeIs(1));
  EXPECT_EQ(payments[0].state, State::kProcessing);
  EXPECT_EQ(DetailOf(made.status()).metadata.at("payment_id"),
            FormatId(IdKind::kPayment, payments[0].payment_id));
}

TEST_F(CreatePaymentTest, ARetryGoesOnWithAnUnfinishedPayment) {
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(ledger_double_.committed(), 1);
  ledger_double_.SetFault(Fault::kNone);
  const auto again = Create(Transfer(400), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment.state, State::kSucceeded);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 400);
  EXPECT_THAT(Payments(), SizeIs(1));
}

TEST_F(CreatePaymentTest, ARefusalThatTheLedgerForgetsDoesNotEndThePayment) {
  ledger_double_.SetFault(Fault::kNotFinal);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kInternal));
  EXPECT_EQ(Payments().at(0).state, State::kProcessing);
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Create(Transfer(400), "key")->payment.state, State::kSucceeded);
}

TEST_F(CreatePaymentTest, AMisconfiguredBookIsOurFault) {
  ledger_double_.SetFault(Fault::kBookForgotten);
  EXPECT_THAT(Create(Transfer(400), "key"), StatusHasReason(Reason::kInternal));
  EXPECT_EQ(Payments().at(0).state, State::kProcessing);
}

TEST_F(CreatePaymentTest, ADepositOpensTheRailOnceForEachCurrency) {
  ASSERT_THAT(Create(Deposit(400), "1"), IsOk());
  ASSERT_THAT(Create(Deposit(400), "2"), IsOk());
  EXPECT_EQ(ledger_double_.open_calls(), 1);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 800);
  EXPECT_EQ(ledger_double_.BalanceOf(SandboxRailAccount(*Currency::Parse("EUR"))), -800);
  PaymentRequest dollars = Deposit(5);
  dollars.destination_account_id = d_;
  dollars.amount.currency = *Currency::Parse("USD");
  ASSERT_THAT(Create(dollars, "3"), IsOk());
  EXPECT_EQ(ledger_double_.open_calls(), 2);
}

TEST_F(CreatePaymentTest, ARailThatTheLedgerDeniesIsOpenedAgain) {
  ASSERT_THAT(Create(Deposit(1), "1"), IsOk());
  ledger_double_.SetFault(Fault::kNotFinal);
  EXPECT_THAT(Create(Deposit(1), "2"), StatusHasReason(Reason::kInternal));
  ledger_double_.SetFault(Fault::kNone);
  ASSERT_THAT(Create(Deposit(1), "2"), IsOk());
  EXPECT_EQ(ledger_double_.open_calls(), 2);
}

TEST_F(CreatePaymentTest, OneKeyAtOnceIsOnePayment) {
  std::vector<std::future<absl::StatusOr<CreatePayment::Outcome>>> answers;
  for (int i = 0; i < 32; ++i) {
    rpc::Outgoing context;
    answers.push_back(asio::co_spawn(
        runtime_.context(), create_.Run(context, user_, "key", Transfer(10)), asio::use_future));
  }
  std::set<Uuid> ids;
  int first = 0;
  for (auto& answer : answers) {
    const auto outcome = answer.get();
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->payment.state, State::kSucceeded);
    ids.insert(outcome->payment.payment_id);
    first += outcome->replayed ? 0 : 1;
  }
  EXPECT_THAT(ids, SizeIs(1));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 10);
}

TEST_F(CreatePaymentTest, RacingPaymentsSpendTheBalanceOnce) {
  std::vector<std::future<absl::StatusOr<CreatePayment::Outcome>>> answers;
  for (int i = 0; i < 64; ++i) {
    rpc::Outgoing context;
    answers.push_back(asio::co_spawn(
        runtime_.context(), create_.Run(context, user_, "key " + std::to_string(i), Transfer(100)),
        asio::use_future));
  }
  int succeeded = 0;
  for (auto& answer : answers) {
    const auto outcome = answer.get();
    ASSERT_THAT(outcome, IsOk());
    succeeded += outcome->payment.state == State::kSucceeded ? 1 : 0;
  }
  EXPECT_EQ(succeeded, 10);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 1000);
}

}  // namespace
}  // namespace florin::payments
