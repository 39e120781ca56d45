#include "services/accounts/flow/open_account.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::SizeIs;
using Fault = LedgerDouble::Fault;

class OpenAccountTest : public AccountsFixture {
 protected:
  // What the worker does when a request's time is over.
  absl::StatusOr<int> Finish() {
    clock_.Advance(absl::Seconds(3));
    return runtime_.Run(open_.FinishOnce());
  }
  std::vector<Account> Accounts() {
    return runtime_.Run(store_.ListAccounts(user_, std::nullopt, 1000)).value();
  }
};

TEST_F(OpenAccountTest, OpensTheLedgersAccountOfTheSameId) {
  const auto opened = Open(Request("key"));
  ASSERT_THAT(opened, IsOk());
  EXPECT_FALSE(opened->replayed);
  EXPECT_EQ(opened->account.state, AccountState::kOpen);
  const ledger::v1::Account& account =
      ledger_double_.account(FormatId(IdKind::kAccount, opened->account.account_id));
  EXPECT_EQ(account.currency(), "EUR");
  EXPECT_EQ(account.normal_side(), ledger::v1::CREDIT);
  EXPECT_TRUE(account.debits_must_not_exceed_credits());
  EXPECT_FALSE(account.credits_must_not_exceed_debits());
  EXPECT_EQ(account.credit_line_minor(), 0);
  EXPECT_THAT(Accounts(), ::testing::ElementsAre(opened->account));
}

TEST_F(OpenAccountTest, ARetryGivesTheSameAccount) {
  const auto opened = Open(Request("key"));
  const auto again = Open(Request("key"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->account, opened->account);
  EXPECT_THAT(Accounts(), SizeIs(1));
}

TEST_F(OpenAccountTest, AKeyStandsForOneRequest) {
  ASSERT_THAT(Open(Request("key")), IsOk());
  OpenAccount::Request other = Request("key");
  other.currency = *Currency::Parse("USD");
  EXPECT_THAT(Open(other), StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(OpenAccountTest, ACustomerOfAnotherUserDoesNotExist) {
  OpenAccount::Request request = Request("key");
  request.customer_id = NewCustomer(stranger_);
  EXPECT_THAT(Open(request), StatusHasReason(Reason::kCustomerNotFound));
}

TEST_F(OpenAccountTest, WhileTheLedgerIsAwayTheAccountIsNotThere) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Open(Request("key")), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Accounts(), SizeIs(0));
  ledger_double_.SetFault(Fault::kNone);
  const auto again = Open(Request("key"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_THAT(Accounts(), SizeIs(1));
}

TEST_F(OpenAccountTest, TheWorkerFinishesWhatWasLeft) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Open(Request("1")), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Open(Request("2")), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(runtime_.Run(open_.FinishOnce()).value(), 0);  // Its request may still be under way.
  EXPECT_THAT(Finish(), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(Finish().value(), 2);
  EXPECT_THAT(Accounts(), SizeIs(2));
  EXPECT_EQ(Finish().value(), 0);
}

TEST_F(OpenAccountTest, ARefusalOfTheLedgerIsOurFault) {
  ledger_double_.SetFault(Fault::kIdConflict);
  EXPECT_THAT(Open(Request("key")), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Accounts(), SizeIs(0));
}

}  // namespace
}  // namespace florin::accounts
