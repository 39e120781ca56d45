// Freezing, waking and falling asleep: what is kept here, and what the ledger stands at, whatever
// fails in between.
#include "services/accounts/flow/account_changes.h"

#include "libs/audit/fake_recorder.h"
#include "services/accounts/flow/accounts_fixture.h"
#include "services/accounts/flow/customer_changes.h"
#include "services/accounts/flow/dormancy.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::Not;
using Fault = LedgerDouble::Fault;

constexpr Sides kDebits{.debits = true};
constexpr Sides kCredits{.credits = true};

class AccountStatesTest : public AccountsFixture {
 protected:
  absl::StatusOr<AccountRecord> Freeze(const Sides& sides, const std::string& reason = "test") {
    rpc::Outgoing context;
    const AccountChanges::Acting acting{.user_id = operator_};
    return runtime_.Run(account_changes_.Freeze(context, acting, account_, sides, reason));
  }
  absl::StatusOr<AccountRecord> Wake(const Uuid& user) {
    rpc::Outgoing context;
    const AccountChanges::Acting acting{.user_id = user};
    return runtime_.Run(account_changes_.Wake(context, acting, account_));
  }
  absl::Status Operate(CustomerEvent what) {
    const CustomerChanges::Acting acting{.user_id = operator_};
    return runtime_.Run(customer_changes_.Operate(acting, customer_, what)).status();
  }
  absl::Status TellAll() { return runtime_.Run(telling_.RunOnce()); }
  // As the ledger has it.
  Sides Booked() {
    const ledger::v1::Account& account = ledger_double_.account(id_);
    return {.debits = account.frozen_debits(), .credits = account.frozen_credits()};
  }
  AccountRecord Kept() {
    const AccountRef ref{.user_id = user_, .account_id = account_};
    return runtime_.Run(store_.FindAccount(ref)).value();
  }
  std::vector<std::string> Actions() {
    std::vector<std::string> actions;
    for (const audit::Event& event : store_.events()) actions.push_back(event.action);
    return actions;
  }
  // The daily job, `after` having passed.
  int Sleep(Dormancy& dormancy, absl::Duration after) {
    clock_.Advance(after);
    return runtime_.Run(dormancy.RunOnce()).value();
  }
  Dormancy MakeDormancy(absl::Duration after) {
    return {store_, ledger_reader_, telling_, clock_, SystemIds(), "main", after};
  }

  const Uuid operator_ = SystemIds().NewId();
  audit::FakeRecorder recorder_;
  CustomerChanges customer_changes_{store_, recorder_, clock_, SystemIds()};
  const Uuid account_ = Open(Request("a"))->account.account_id;
  const std::string id_ = FormatId(IdKind::kAccount, account_);
};

TEST_F(AccountStatesTest, AnOperatorFreezesEachSideAndLiftsIt) {
  for (const Sides& sides : {kDebits, kCredits, Sides{.debits = true, .credits = true}, Sides()}) {
    const auto frozen = Freeze(sides);
    ASSERT_THAT(frozen, IsOk());
    EXPECT_EQ(FrozenSides(frozen->standing), sides);
    EXPECT_EQ(Booked(), sides);
  }
  EXPECT_EQ(Kept().standing.freeze_reason, "");
  EXPECT_THAT(Actions(), Contains("accounts.account.freeze").Times(3));
  EXPECT_THAT(Actions(), Contains("accounts.account.unfreeze").Times(1));
}

TEST_F(AccountStatesTest, WhatIsFrozenIsToldToTheBookThatItIsIn) {
  OpenAccount::Request request = Request("there");
  request.book = "other";
  const Uuid there = Open(request)->account.account_id;
  ledger_double_.SetFault(Fault::kUnavailable);
  rpc::Outgoing context;
  const AccountChanges::Acting acting{.user_id = operator_};
  EXPECT_FALSE(runtime_.Run(account_changes_.Freeze(context, acting, there, kDebits, "test")).ok());
  EXPECT_FALSE(Freeze(kDebits).ok());
  ledger_double_.SetFault(Fault::kNone);
  // Both books at once.
  EXPECT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits);
  EXPECT_TRUE(ledger_double_.account(FormatId(IdKind::kAccount, there)).frozen_debits());
}

TEST_F(AccountStatesTest, TheSameAgainChangesNothing) {
  ASSERT_THAT(Freeze(kDebits), IsOk());
  ASSERT_THAT(Freeze(kDebits), IsOk());
  EXPECT_THAT(Actions(), Contains("accounts.account.freeze").Times(1));
  EXPECT_THAT(Freeze(kDebits, "A sentence."), StatusHasReason(Reason::kInvalidField));
}

TEST_F(AccountStatesTest, NobodyDecidesOnTheirOwnAccountAndNobodyWakesAnothers) {
  rpc::Outgoing context;
  const AccountChanges::Acting acting{.user_id = user_};
  EXPECT_THAT(runtime_.Run(account_changes_.Freeze(context, acting, account_, kDebits, "test")),
              StatusHasReason(Reason::kSelfApproval));
  EXPECT_THAT(Wake(stranger_), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_EQ(Booked(), Sides());
}

TEST_F(AccountStatesTest, WhatACrashLeftUntoldTheWorkerTells) {
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_THAT(Freeze(kDebits), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(FrozenSides(Kept().standing), kDebits);
  EXPECT_EQ(Booked(), Sides());
  EXPECT_FALSE(TellAll().ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits);
}

// The ledger was told, but that it was is not kept; meanwhile the operator thinks otherwise.
TEST_F(AccountStatesTest, WhatWasToldTwiceEndsAtTheLastRevision) {
  store_.SetFinishing(false);
  EXPECT_THAT(Freeze(kDebits), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(Booked(), kDebits);
  EXPECT_THAT(Freeze({}), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(Booked(), Sides());
  store_.SetFinishing(true);
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_FALSE(TellAll().ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), Sides());
}

TEST_F(AccountStatesTest, ASuspendedCustomersDebitsAreFrozenAndTheOperatorsFreezeOutlivesIt) {
  ASSERT_THAT(Operate(CustomerEvent::kSuspend), IsOk());
  ASSERT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits);
  ASSERT_THAT(Freeze(kDebits, "court_order"), IsOk());
  ASSERT_THAT(Operate(CustomerEvent::kReactivate), IsOk());
  ASSERT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits);
  ASSERT_THAT(Freeze({}), IsOk());
  EXPECT_EQ(Booked(), Sides());
  ASSERT_THAT(Operate(CustomerEvent::kSuspend), IsOk());
  ASSERT_THAT(Operate(CustomerEvent::kReactivate), IsOk());
  ASSERT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), Sides());
}

TEST_F(AccountStatesTest, FallsAsleepOnceItsTimeIsOverAndItsOwnerWakesIt) {
  Dormancy dormancy = MakeDormancy(absl::Hours(48));
  EXPECT_EQ(Sleep(dormancy, absl::Hours(48) - absl::Microseconds(1)), 0);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(23)), 0) << "it looks once a day";
  EXPECT_EQ(Sleep(dormancy, absl::Hours(1)), 1);
  EXPECT_EQ(Kept().standing.life, AccountLife::kDormant);
  EXPECT_EQ(Booked(), kDebits);
  EXPECT_THAT(Actions(), Contains("accounts.account.fall_asleep"));
  EXPECT_EQ(Sleep(dormancy, absl::Hours(24)), 0) << "it sleeps already";

  ASSERT_THAT(Wake(user_), IsOk());
  EXPECT_EQ(Booked(), Sides());
  EXPECT_EQ(Kept().standing.life, AccountLife::kOpen);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(24)), 0) << "it was woken a day ago";
  EXPECT_EQ(Sleep(dormancy, absl::Hours(24)), 1);
  ASSERT_THAT(Wake(user_), IsOk());
  ASSERT_THAT(Wake(user_), IsOk());
  EXPECT_THAT(Actions(), Contains("accounts.account.wake").Times(2));
}

TEST_F(AccountStatesTest, AnEntryKeepsItAwakeAndWithoutATimeNothingSleeps) {
  Dormancy dormancy = MakeDormancy(absl::Hours(48));
  clock_.Advance(absl::Hours(30));
  ledger::v1::Entry entry;
  entry.mutable_commit_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  ledger_double_.entries().push_back(entry);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(30)), 0);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(24)), 1);
  ASSERT_THAT(Wake(user_), IsOk());
  Dormancy never = MakeDormancy(absl::ZeroDuration());
  EXPECT_EQ(Sleep(never, absl::Hours(100'000)), 0);
}

TEST_F(AccountStatesTest, InterestKeepsNothingAwake) {
  Dormancy dormancy = MakeDormancy(absl::Hours(48));
  ledger::v1::Entry entry;  // Newest first.
  entry.mutable_commit_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Hours(60)));
  (*entry.mutable_metadata())["interest_plan"] = "savings";
  ledger_double_.entries().push_back(entry);
  entry.clear_metadata();
  entry.mutable_commit_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Hours(10)));
  ledger_double_.entries().push_back(entry);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(50)), 0);
  EXPECT_EQ(Sleep(dormancy, absl::Hours(24)), 1);
}

TEST_F(AccountStatesTest, WhatTheJobDidNotFinishItDoesAtTheNextRound) {
  Dormancy dormancy = MakeDormancy(absl::Hours(1));
  clock_.Advance(absl::Hours(2));
  ledger_double_.SetFault(Fault::kUnavailable);
  EXPECT_FALSE(runtime_.Run(dormancy.RunOnce()).ok());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(runtime_.Run(dormancy.RunOnce()), IsOk());
  EXPECT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits);
}

TEST_F(AccountStatesTest, ASuspendedCustomerWakesNothing) {
  Dormancy dormancy = MakeDormancy(absl::Hours(1));
  EXPECT_EQ(Sleep(dormancy, absl::Hours(2)), 1);
  ASSERT_THAT(Operate(CustomerEvent::kSuspend), IsOk());
  EXPECT_THAT(Wake(user_), StatusHasReason(Reason::kCustomerNotActive));
  ASSERT_THAT(Operate(CustomerEvent::kReactivate), IsOk());
  ASSERT_THAT(TellAll(), IsOk());
  EXPECT_EQ(Booked(), kDebits) << "it still sleeps";
}

}  // namespace
}  // namespace florin::accounts
