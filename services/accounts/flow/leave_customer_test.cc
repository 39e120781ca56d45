#include "services/accounts/flow/leave_customer.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::Not;
using Fault = LedgerDouble::Fault;

class LeaveCustomerTest : public AccountsFixture {
 protected:
  absl::StatusOr<Customer> Leave(CustomerEvent what = CustomerEvent::kErase) {
    rpc::Outgoing context;
    LeaveCustomer::Request request{.user_id = user_, .customer_id = customer_, .what = what};
    return runtime_.Run(leave_.Run(context, request));
  }
  // What the worker does when a request's time is over.
  absl::StatusOr<int> Finish() {
    clock_.Advance(absl::Seconds(10));
    return runtime_.Run(leave_.FinishOnce());
  }
  std::string OpenOne(const std::string& key) {
    return FormatId(IdKind::kAccount, Open(Request(key))->account.account_id);
  }
  absl::StatusOr<CustomerRecord> Get() {
    const CustomerRef ref{.user_id = user_, .customer_id = customer_};
    return runtime_.Run(store_.Get(ref));
  }
  std::vector<std::string> Actions() {
    std::vector<std::string> actions;
    for (const audit::Event& event : store_.events()) actions.push_back(event.action);
    return actions;
  }
};

TEST_F(LeaveCustomerTest, ErasesWithItsAccountsHereAndInTheLedger) {
  const std::string a = OpenOne("a");
  const std::string b = OpenOne("b");
  const auto erased = Leave();
  ASSERT_THAT(erased, IsOk());
  EXPECT_EQ(erased->state, CustomerState::kErased);
  EXPECT_TRUE(ledger_double_.account(a).closed());
  EXPECT_TRUE(ledger_double_.account(b).closed());
  EXPECT_THAT(Get(), StatusHasReason(Reason::kCustomerErased));
  EXPECT_THAT(Actions(), Contains("accounts.customer.erase"));
  EXPECT_THAT(Actions(), Contains("accounts.account.close").Times(2));
  EXPECT_THAT(Open(Request("c")), StatusHasReason(Reason::kCustomerErased));
  // Again gives the same, also when the ledger is away.
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_EQ(Leave().value(), *erased);
  EXPECT_THAT(Leave(CustomerEvent::kClose), StatusHasReason(Reason::kCustomerErased));
}

TEST_F(LeaveCustomerTest, LeavesEveryBookOrNone) {
  const std::string here = OpenOne("a");
  OpenAccount::Request request = Request("b");
  request.book = "other";
  const std::string there = FormatId(IdKind::kAccount, Open(request)->account.account_id);
  ledger_double_.account(there).set_credits_posted(5);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerHasAccounts));
  EXPECT_FALSE(ledger_double_.account(here).closed());
  ledger_double_.account(there).set_debits_posted(5);
  EXPECT_THAT(Leave(), IsOk());
  EXPECT_TRUE(ledger_double_.account(here).closed());
  EXPECT_TRUE(ledger_double_.account(there).closed());
}

TEST_F(LeaveCustomerTest, ClosesAndErasesLater) {
  OpenOne("a");
  EXPECT_EQ(Leave(CustomerEvent::kClose)->state, CustomerState::kClosed);
  EXPECT_EQ(Leave(CustomerEvent::kClose)->state, CustomerState::kClosed);
  EXPECT_EQ(Get()->customer.display_name, "Zoë");
  EXPECT_THAT(Open(Request("b")), StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_EQ(Leave()->state, CustomerState::kErased);
}

TEST_F(LeaveCustomerTest, MoneyAndHoldsKeepTheCustomer) {
  const std::string account = OpenOne("a");
  ledger::v1::Account& booked = ledger_double_.account(account);
  booked.set_credits_posted(5);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerHasAccounts));
  booked.set_debits_posted(5);
  booked.set_credits_pending(1);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerHasAccounts));
  booked.set_credits_pending(0);
  EXPECT_FALSE(booked.closed());
  EXPECT_FALSE(Get()->leaving_to);
  EXPECT_THAT(Actions(), Not(Contains("accounts.customer.leave")));
  EXPECT_THAT(Leave(), IsOk());
}

TEST_F(LeaveCustomerTest, AnAccountThatIsBeingOpenedKeepsTheCustomer) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Open(Request("a")), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerHasAccounts));
}

TEST_F(LeaveCustomerTest, MoneyThatComesMeanwhileReopensTheAccounts) {
  const std::string a = OpenOne("a");
  const std::string b = OpenOne("b");
  ledger_double_.DepositBeforeNextChange(b);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerHasAccounts));
  EXPECT_FALSE(ledger_double_.account(a).closed());
  EXPECT_FALSE(ledger_double_.account(b).closed());
  ASSERT_THAT(Get(), IsOk());
  EXPECT_FALSE(Get()->leaving_to);
  EXPECT_THAT(Actions(), Contains("accounts.customer.stay"));
  EXPECT_THAT(Open(Request("c")), IsOk());
  // The next attempt is one of its own.
  ledger_double_.account(b).set_debits_posted(500);
  EXPECT_EQ(Leave()->state, CustomerState::kErased);
  EXPECT_TRUE(ledger_double_.account(b).closed());
}

TEST_F(LeaveCustomerTest, TheWorkerFinishesWhatACrashLeft) {
  const std::string account = OpenOne("a");
  store_.SetFinishing(false);  // Dies before the last step.
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kUnavailable));
  EXPECT_TRUE(ledger_double_.account(account).closed());
  EXPECT_EQ(Get()->leaving_to, CustomerState::kErased);
  store_.SetFinishing(true);
  EXPECT_EQ(runtime_.Run(leave_.FinishOnce()).value(), 0);  // Its request may be under way.
  EXPECT_EQ(Finish().value(), 1);
  EXPECT_THAT(Get(), StatusHasReason(Reason::kCustomerErased));
  EXPECT_EQ(Finish().value(), 0);
}

TEST_F(LeaveCustomerTest, ALostAnswerOfTheLedgerIsFinishedByARetry) {
  OpenOne("a");
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(Leave(CustomerEvent::kClose), StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_EQ(Leave()->state, CustomerState::kErased);
}

TEST_F(LeaveCustomerTest, ACrashAfterReopeningErasesNothing) {
  const std::string account = OpenOne("a");
  ledger_double_.SetFault(Fault::kAnswerLost);  // Closed, and the answer is lost.
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kUnavailable));
  ledger_double_.SetFault(Fault::kNone);
  // As if money had come, the accounts had been reopened and the process had died; the money has
  // gone since.
  ledger_double_.account(account).set_closed(false);
  EXPECT_EQ(Finish().value(), 1);
  ASSERT_THAT(Get(), IsOk());
  EXPECT_FALSE(Get()->leaving_to);
  EXPECT_EQ(Get()->customer.state, CustomerState::kActive);
}

TEST_F(LeaveCustomerTest, ASuspendedCustomerStays) {
  Decide suspend = [](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    Decided decided{.after = before};
    decided.after.customer.state = CustomerState::kSuspended;
    return decided;
  };
  const CustomerRef ref{.user_id = user_, .customer_id = customer_};
  audit::Event event;
  ASSERT_THAT(runtime_.Run(store_.Change(ref, suspend, event)), IsOk());
  EXPECT_THAT(Leave(), StatusHasReason(Reason::kCustomerNotActive));
}

TEST_F(LeaveCustomerTest, ACustomerOfAnotherUserDoesNotExist) {
  rpc::Outgoing context;
  LeaveCustomer::Request request{
      .user_id = stranger_, .customer_id = customer_, .what = CustomerEvent::kErase};
  EXPECT_THAT(runtime_.Run(leave_.Run(context, request)),
              StatusHasReason(Reason::kCustomerNotFound));
  EXPECT_THAT(Get(), IsOk());
}

TEST_F(LeaveCustomerTest, EventsHaveIdsOnly) {
  OpenOne("a");
  ASSERT_THAT(Leave(), IsOk());
  for (const audit::Event& event : store_.events()) {
    EXPECT_EQ(audit::EncodeEvent(audit::Fit(event)).find("Zoë"), std::string::npos);
    EXPECT_EQ(event.actor, FormatId(IdKind::kUser, user_));
  }
}

}  // namespace
}  // namespace florin::accounts
