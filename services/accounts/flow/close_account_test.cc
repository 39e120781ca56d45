#include "services/accounts/flow/close_account.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using Fault = LedgerDouble::Fault;

class CloseAccountTest : public AccountsFixture {
 protected:
  absl::StatusOr<AccountRecord> Close(std::optional<Uuid> to = {}) {
    rpc::Outgoing context;
    const CloseAccount::Request request{.user_id = user_, .account_id = account_, .sweep_to = to};
    return runtime_.Run(close_.Run(context, request));
  }
  Uuid OpenOne(const std::string& key, const std::string& currency = "EUR") {
    OpenAccount::Request request = Request(key);
    request.currency = *Currency::Parse(currency);
    return Open(request)->account.account_id;
  }
  ledger::v1::Account& Booked(const Uuid& account) {
    return ledger_double_.account(FormatId(IdKind::kAccount, account));
  }
  void Fund(std::int64_t amount) { Booked(account_).set_credits_posted(amount); }
  AccountLife Life() {
    const AccountRef ref{.user_id = user_, .account_id = account_};
    return runtime_.Run(store_.FindAccount(ref))->standing.life;
  }
  // What the worker does when a request's time is over.
  absl::StatusOr<int> Finish() {
    clock_.Advance(absl::Seconds(10));
    return runtime_.Run(close_.FinishOnce());
  }
  std::vector<std::string> Actions() {
    std::vector<std::string> actions;
    for (const audit::Event& event : store_.events()) actions.push_back(event.action);
    return actions;
  }
  void ExpectSwept(std::int64_t amount) {
    EXPECT_EQ(Life(), AccountLife::kClosed);
    EXPECT_TRUE(Booked(account_).closed());
    EXPECT_EQ(Booked(account_).debits_posted(), Booked(account_).credits_posted());
    EXPECT_EQ(Booked(other_).credits_posted(), amount);
  }

  const Uuid account_ = OpenOne("a");
  const Uuid other_ = OpenOne("b");
};

TEST_F(CloseAccountTest, ABalanceIsSweptWithinItsBookOnly) {
  OpenAccount::Request request = Request("there");
  request.book = "other";
  const Uuid there = Open(request)->account.account_id;
  Fund(500);
  EXPECT_THAT(Close(there).status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("sweep_to_account_id")));
  EXPECT_EQ(Life(), AccountLife::kOpen);
  rpc::Outgoing context;
  const CloseAccount::Request close{.user_id = user_, .account_id = there};
  EXPECT_THAT(runtime_.Run(close_.Run(context, close)), IsOk());
  EXPECT_TRUE(Booked(there).closed());
}

TEST_F(CloseAccountTest, AnEmptyOneClosesAtOnceAndAgainGivesTheSame) {
  const auto closed = Close();
  ASSERT_THAT(closed, IsOk());
  EXPECT_EQ(closed->standing.life, AccountLife::kClosed);
  EXPECT_TRUE(Booked(account_).closed());
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_EQ(Close().value(), *closed);
  EXPECT_EQ(Close(other_).value(), *closed);
  EXPECT_THAT(Actions(), ElementsAre("accounts.account.leave", "accounts.account.close"));
}

TEST_F(CloseAccountTest, SweepsExactly) {
  Fund(12'345);
  EXPECT_THAT(Close(), AllOf(StatusHasReason(Reason::kAccountNotEmpty),
                             StatusHasParam("sweep_to_account_id")));
  EXPECT_EQ(Life(), AccountLife::kOpen);
  ASSERT_THAT(Close(other_), IsOk());
  ExpectSwept(12'345);
}

TEST_F(CloseAccountTest, MoneyThatComesMeanwhileIsSweptToo) {
  Fund(7);
  ledger_double_.DepositBeforeNextChange(FormatId(IdKind::kAccount, account_));
  ASSERT_THAT(Close(other_), IsOk());
  ExpectSwept(507);
}

TEST_F(CloseAccountTest, MoneyThatComesToAnEmptyOneLeavesItOpen) {
  ledger_double_.DepositBeforeNextChange(FormatId(IdKind::kAccount, account_));
  EXPECT_THAT(Close(), StatusHasReason(Reason::kAccountNotEmpty));
  EXPECT_EQ(Life(), AccountLife::kOpen);
  EXPECT_FALSE(Booked(account_).closed());
  EXPECT_THAT(Actions(), Contains("accounts.account.stay"));
  ASSERT_THAT(Close(other_), IsOk());
  ExpectSwept(500);
}

TEST_F(CloseAccountTest, WhatIsHeldIsInTheWay) {
  Booked(account_).set_credits_pending(1);
  EXPECT_THAT(Close(other_), StatusHasReason(Reason::kAccountNotEmpty));
  Booked(account_).set_credits_pending(0);
  Fund(10);
  Booked(account_).set_debits_pending(1);
  EXPECT_THAT(Close(other_), StatusHasReason(Reason::kAccountNotEmpty));
  EXPECT_EQ(Life(), AccountLife::kOpen);
}

TEST_F(CloseAccountTest, TheOtherAccountIsTheirsOpenAndOfTheSameCurrency) {
  Fund(10);
  EXPECT_THAT(Close(account_), StatusHasReason(Reason::kSameAccount));
  EXPECT_THAT(Close(SystemIds().NewId()), AllOf(StatusHasReason(Reason::kAccountNotFound),
                                                StatusHasParam("sweep_to_account_id")));
  EXPECT_THAT(Close(OpenOne("c", "USD")), StatusHasReason(Reason::kCurrencyMismatch));
  rpc::Outgoing context;
  const CloseAccount::Request other{.user_id = user_, .account_id = other_};
  ASSERT_THAT(runtime_.Run(close_.Run(context, other)), IsOk());
  EXPECT_THAT(Close(other_), AllOf(StatusHasReason(Reason::kAccountClosed),
                                   StatusHasParam("sweep_to_account_id")));
  const CloseAccount::Request strangers{.user_id = stranger_, .account_id = account_};
  EXPECT_THAT(runtime_.Run(close_.Run(context, strangers)),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_EQ(Life(), AccountLife::kOpen);
}

TEST_F(CloseAccountTest, WhatTheLedgerRefusesLeavesItOpen) {
  Fund(10);
  Booked(other_).set_frozen_credits(true);
  EXPECT_THAT(Close(other_), AllOf(StatusHasReason(Reason::kAccountFrozen),
                                   StatusHasParam("sweep_to_account_id")));
  EXPECT_EQ(Life(), AccountLife::kOpen);
  Booked(other_).set_frozen_credits(false);
  ASSERT_THAT(Close(other_), IsOk());
  ExpectSwept(10);
}

TEST_F(CloseAccountTest, AFrozenOneStays) {
  rpc::Outgoing context;
  const AccountChanges::Acting acting{.user_id = stranger_};
  const Sides debits{.debits = true};
  ASSERT_THAT(
      runtime_.Run(account_changes_.Freeze(context, acting, account_, debits, "court_order")),
      IsOk());
  EXPECT_THAT(Close(), StatusHasReason(Reason::kAccountFrozen));
}

// After the ledger has done it, and after its answer.
TEST_F(CloseAccountTest, TheWorkerFinishesWhatACrashLeft) {
  Fund(300);
  for (const bool answered : {false, true}) {
    ledger_double_.SetFault(answered ? Fault::kNone : Fault::kAnswerLost);
    if (answered) store_.SetFinishing(false);
    EXPECT_THAT(Close(other_), StatusHasReason(Reason::kUnavailable));
    EXPECT_EQ(Life(), AccountLife::kClosing);
  }
  EXPECT_TRUE(Booked(account_).closed());
  EXPECT_FALSE(Finish().ok());
  store_.SetFinishing(true);
  EXPECT_EQ(Finish().value(), 1);
  ExpectSwept(300);
  EXPECT_EQ(Finish().value(), 0);
  EXPECT_THAT(Actions(), Contains("accounts.account.close").Times(1));
}

TEST_F(CloseAccountTest, TheWorkerGoesOnWithWhatTheLedgerNeverHeardOf) {
  Fund(300);
  DecideAccount begin = [this](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    AccountDecided decided{.after = before.standing};
    decided.after.life = AccountLife::kClosing;
    decided.after.sweep_to = other_;
    decided.after.closing_attempt = 1;
    decided.after.next_attempt_time = clock_.Now();
    return decided;
  };
  const AccountRef ref{.user_id = user_, .account_id = account_};
  audit::Event event;
  ASSERT_THAT(runtime_.Run(store_.ChangeAccount(ref, begin, event)), IsOk());
  EXPECT_EQ(Finish().value(), 1);
  ExpectSwept(300);
}

TEST_F(CloseAccountTest, ACustomerDoesNotLeaveWhileAnAccountIsClosing) {
  store_.SetFinishing(false);
  EXPECT_THAT(Close(), StatusHasReason(Reason::kUnavailable));
  store_.SetFinishing(true);
  rpc::Outgoing context;
  const LeaveCustomer::Request leave{
      .user_id = user_, .customer_id = customer_, .what = CustomerEvent::kErase};
  EXPECT_THAT(runtime_.Run(leave_.Run(context, leave)),
              StatusHasReason(Reason::kCustomerHasAccounts));
  EXPECT_EQ(Finish().value(), 1);
  EXPECT_THAT(runtime_.Run(leave_.Run(context, leave)), IsOk());
}

}  // namespace
}  // namespace florin::accounts
