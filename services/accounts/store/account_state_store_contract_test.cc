// What every AccountStateStore promises, held against PostgreSQL and the fake.
#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Sides kDebits{.debits = true};
constexpr Sides kCredits{.credits = true};

template <class S>
class AccountStateStoreContractTest : public ::testing::Test {
 protected:
  Uuid NewCustomer() {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Zoë",
                      .create_time = kStart};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertCustomer(
                    customer, KeyOf(customer.customer_id.ToString(), "content"))),
                IsOk());
    return customer.customer_id;
  }
  Uuid NewAccount(const Uuid& customer, bool open = true, absl::Time created = kStart) {
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = customer,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Savings",
                    .create_time = created};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertAccount(
                    account, KeyOf(account.account_id.ToString(), "content"))),
                IsOk());
    if (!open) return account.account_id;
    EXPECT_THAT(runtime_.Run(subject_.store().MarkOpen(account.account_id)), IsOk());
    return account.account_id;
  }
  AccountRef Of(const Uuid& account) const { return {.user_id = user_, .account_id = account}; }
  absl::StatusOr<AccountRecord> Find(const AccountRef& ref) {
    return runtime_.Run(subject_.states().FindAccount(ref));
  }
  absl::StatusOr<AccountRecord> Change(const Uuid& account,
                                       const std::function<void(AccountStanding&)>& edit) {
    DecideAccount decide = [&edit](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
      AccountDecided decided{.after = before.standing, .details = {{"test", "yes"}}};
      edit(decided.after);
      return decided;
    };
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.account.freeze";
    event.subject = FormatId(IdKind::kAccount, account);
    return runtime_.Run(subject_.states().ChangeAccount(Of(account), decide, event));
  }
  void Freeze(const Uuid& account, const Sides& sides) {
    EXPECT_THAT(Change(account,
                       [&](AccountStanding& standing) {
                         standing.frozen_by_operator = sides;
                         standing.freeze_reason = sides == Sides() ? "" : "test";
                       }),
                IsOk());
  }
  void Begin(const Uuid& account, const Uuid& to, absl::Time next) {
    EXPECT_THAT(Change(account,
                       [&](AccountStanding& standing) {
                         standing.life = AccountLife::kClosing;
                         standing.sweep_to = to;
                         standing.next_attempt_time = next;
                         ++standing.closing_attempt;
                       }),
                IsOk());
  }
  void SetCustomer(const Uuid& customer, CustomerState state) {
    Decide decide = [state](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before};
      decided.after.customer.state = state;
      return decided;
    };
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.customer.suspend";
    const CustomerRef ref{.user_id = user_, .customer_id = customer};
    EXPECT_THAT(runtime_.Run(subject_.customers().Change(ref, decide, event)), IsOk());
  }
  // "revision sides" of what an account has untold.
  std::vector<std::string> Untold(const Uuid& account) {
    const FreezesOf of{.account_id = account};
    std::vector<std::string> untold;
    const auto found = runtime_.Run(subject_.states().ListUntold(of, 100));
    for (const FreezeRevision& one : *found) {
      EXPECT_EQ(one.account_id, account);
      untold.push_back(std::to_string(one.revision) + (one.frozen.debits ? " debits" : "") +
                       (one.frozen.credits ? " credits" : ""));
    }
    return untold;
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const Uuid customer_ = NewCustomer();
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(AccountStateStoreContractTest, Subjects);

TYPED_TEST(AccountStateStoreContractTest, KnowsOpenAccountsOfTheirOwnersOnly) {
  const Uuid account = this->NewAccount(this->customer_);
  const auto found = this->Find(this->Of(account));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->account.display_name, "Savings");
  EXPECT_EQ(found->standing, AccountStanding());
  EXPECT_TRUE(found->customer_active);
  EXPECT_EQ(this->Find({.user_id = std::nullopt, .account_id = account}).value(), *found);
  const AccountRef strangers{.user_id = SystemIds().NewId(), .account_id = account};
  EXPECT_THAT(this->Find(strangers), StatusHasReason(Reason::kAccountNotFound));
  const Uuid opening = this->NewAccount(this->customer_, false);
  EXPECT_THAT(this->Find(this->Of(opening)), StatusHasReason(Reason::kAccountNotFound));
}

TYPED_TEST(AccountStateStoreContractTest, KeepsEveryFieldAndRecordsTheChange) {
  const Uuid account = this->NewAccount(this->customer_);
  const Uuid other = this->NewAccount(this->customer_);
  const auto changed = this->Change(account, [&](AccountStanding& standing) {
    standing.life = AccountLife::kClosing;
    standing.frozen_by_operator = kCredits;
    standing.freeze_reason = "test";
    standing.wake_time = kStart + absl::Microseconds(1);
    standing.sweep_to = other;
    standing.next_attempt_time = kStart + absl::Seconds(1);
    standing.closing_attempt = 3;
  });
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->standing.sweep_to, other);
  EXPECT_EQ(this->Find(this->Of(account)).value(), *changed);
  // The same again is no event, and an error changes nothing.
  EXPECT_THAT(this->Change(account, [](AccountStanding&) {}), IsOk());
  const std::string subject = FormatId(IdKind::kAccount, account);
  EXPECT_THAT(this->subject_.EventsOf(this->runtime_, subject),
              ElementsAre("accounts.account.freeze {\"test\":\"yes\"}"));
}

TYPED_TEST(AccountStateStoreContractTest, WhatIsFrozenBecomesARevision) {
  const Uuid account = this->NewAccount(this->customer_);
  this->Freeze(account, kDebits);
  this->Freeze(account, kDebits);
  EXPECT_THAT(this->Change(account,
                           [](AccountStanding& standing) {
                             standing.life = AccountLife::kDormant;  // Nothing new is frozen.
                           }),
              IsOk());
  this->Freeze(account, {});
  this->Freeze(account, kCredits);
  EXPECT_THAT(
      this->Change(account, [](AccountStanding& standing) { standing.life = AccountLife::kOpen; }),
      IsOk());
  EXPECT_THAT(this->Untold(account), ElementsAre("1 debits", "2 debits credits", "3 credits"));
  const std::vector<FreezeRevision> told = {
      {.account_id = account, .revision = 1, .frozen = kDebits},
      {.account_id = account, .revision = 2, .frozen = {}}};
  EXPECT_THAT(this->runtime_.Run(this->subject_.states().MarkTold(told)), IsOk());
  EXPECT_THAT(this->runtime_.Run(this->subject_.states().MarkTold(told)), IsOk());
  EXPECT_THAT(this->Untold(account), ElementsAre("3 credits"));
}

TYPED_TEST(AccountStateStoreContractTest, ASuspendedCustomersAccountsAreFrozenAndTheOperatorsStay) {
  const Uuid account = this->NewAccount(this->customer_);
  const Uuid frozen = this->NewAccount(this->customer_);
  const Uuid others = this->NewAccount(this->NewCustomer());
  this->Freeze(frozen, kDebits);
  this->SetCustomer(this->customer_, CustomerState::kSuspended);
  EXPECT_FALSE(this->Find(this->Of(account))->customer_active);
  EXPECT_TRUE(this->Find(this->Of(account))->standing.suspended);
  EXPECT_THAT(this->Untold(account), ElementsAre("1 debits"));
  this->SetCustomer(this->customer_, CustomerState::kActive);
  EXPECT_THAT(this->Untold(account), ElementsAre("1 debits", "2"));
  EXPECT_THAT(this->Untold(frozen), ElementsAre("1 debits"));
  EXPECT_THAT(this->Untold(others), IsEmpty());
  const FreezesOf of{.customer_id = this->customer_};
  EXPECT_THAT(this->runtime_.Run(this->subject_.states().ListUntold(of, 100)).value(), SizeIs(3));
  EXPECT_THAT(this->runtime_.Run(this->subject_.states().ListUntold(of, 2)).value(), SizeIs(2));
}

TYPED_TEST(AccountStateStoreContractTest, AnAccountThatIsBeingOpenedIsFrozenOnceItIsOpen) {
  const Uuid account = this->NewAccount(this->customer_, false);
  this->SetCustomer(this->customer_, CustomerState::kSuspended);
  EXPECT_THAT(this->Untold(account), IsEmpty());
  EXPECT_THAT(this->runtime_.Run(this->subject_.store().MarkOpen(account)), IsOk());
  EXPECT_THAT(this->Untold(account), ElementsAre("1 debits"));
}

TYPED_TEST(AccountStateStoreContractTest, ClosingIsClaimedOnceAndClosesForEverybody) {
  const Uuid account = this->NewAccount(this->customer_);
  const Uuid other = this->NewAccount(this->customer_);
  this->Begin(account, other, kStart + absl::Seconds(5));
  const CustomerRef customer{.user_id = this->user_, .customer_id = this->customer_};
  EXPECT_TRUE(this->runtime_.Run(this->subject_.customers().Get(customer))->account_opening);
  const auto claim = [this](absl::Time now, const Uuid& wanted) {
    int found = 0;
    const auto claimed = this->runtime_.Run(
        this->subject_.states().ClaimClosing(now, now + absl::Seconds(10), 1000));
    for (const AccountRecord& record : *claimed) {
      found += record.account.account_id == wanted ? 1 : 0;
    }
    return found;
  };
  EXPECT_EQ(claim(kStart + absl::Seconds(4), account), 0);
  EXPECT_EQ(claim(kStart + absl::Seconds(5), account), 1);
  EXPECT_EQ(claim(kStart + absl::Seconds(14), account), 0);
  const auto closed = this->Change(account, [](AccountStanding& standing) {
    standing.life = AccountLife::kClosed;
    standing.next_attempt_time = absl::InfinitePast();
  });
  ASSERT_THAT(closed, IsOk());
  EXPECT_EQ(closed->account.state, AccountState::kClosed);
  EXPECT_EQ(this->Find(this->Of(account)).value(), *closed);
  EXPECT_EQ(claim(kStart + absl::Hours(1), account), 0);
  EXPECT_FALSE(this->runtime_.Run(this->subject_.customers().Get(customer))->account_opening);
  // Shown, but in no list; services that move money still see whose it was.
  Store& store = this->subject_.store();
  EXPECT_EQ(this->runtime_.Run(store.GetAccount(this->user_, account))->state,
            AccountState::kClosed);
  EXPECT_THAT(this->runtime_.Run(store.ListAccounts(this->user_, std::nullopt, 10)).value(),
              SizeIs(1));
  EXPECT_THAT(this->runtime_.Run(store.LookUp({account, other})).value(), SizeIs(2));
}

// Services that move money are told as long as it lasts.
TYPED_TEST(AccountStateStoreContractTest, ALookUpSaysWhoIsDormant) {
  const Uuid account = this->NewAccount(this->customer_);
  const auto dormant = [&] {
    const auto found = this->runtime_.Run(this->subject_.store().LookUp({account}));
    return found->at(0).dormant;
  };
  EXPECT_FALSE(dormant());
  for (const AccountLife life : {AccountLife::kDormant, AccountLife::kOpen}) {
    EXPECT_THAT(this->Change(account, [life](AccountStanding& to) { to.life = life; }), IsOk());
    EXPECT_EQ(dormant(), life == AccountLife::kDormant);
  }
}

TYPED_TEST(AccountStateStoreContractTest, ListsWhoIsAwake) {
  const Uuid first = this->NewAccount(this->customer_);
  const Uuid second = this->NewAccount(this->customer_);
  const Uuid young = this->NewAccount(this->customer_, true, kStart + absl::Seconds(1));
  const Uuid asleep = this->NewAccount(this->customer_);
  EXPECT_THAT(this->Change(
                  asleep, [](AccountStanding& standing) { standing.life = AccountLife::kDormant; }),
              IsOk());
  const Uuid suspended = this->NewCustomer();
  this->NewAccount(suspended);
  this->SetCustomer(suspended, CustomerState::kSuspended);
  const auto awake = [this](std::optional<Uuid> after, int limit) {
    std::vector<Uuid> ids;
    const auto page = this->runtime_.Run(this->subject_.states().ListAwake(after, kStart, limit));
    for (const AccountRecord& record : *page) {
      if (record.account.user_id == this->user_) ids.push_back(record.account.account_id);
    }
    return ids;
  };
  std::vector<Uuid> expected = {first, second};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(awake(std::nullopt, 100'000), expected);
  EXPECT_THAT(awake(expected[0], 100'000), ElementsAre(expected[1]));
  (void)young;
}

TEST(AccountStateTriggersTest, HoldTheDatabaseToTheMachine) {
  PgSubject subject;
  async::Runtime runtime(1);
  const auto fails = [&](const std::string& sql) {
    pqxx::connection connection(Server().conninfo("accounts_owner"));
    pqxx::work transaction(connection);
    try {
      transaction.exec(
          "INSERT INTO customers (user_id, customer_id, display_name, idempotency_key, fingerprint,"
          " create_time) VALUES (gen_random_uuid(), '00000000-0000-8000-8000-00000000000c', 'Z', "
          "'k', decode(repeat('00', 32), 'hex'), now());"
          "INSERT INTO accounts (account_id, user_id, customer_id, currency, display_name, state, "
          "idempotency_key, fingerprint, create_time) SELECT "
          "'00000000-0000-8000-8000-00000000000a', user_id, customer_id, 'EUR', '', 'open', 'k', "
          "fingerprint, now() FROM customers WHERE display_name = 'Z';"
          "INSERT INTO account_states (account_id, suspended) VALUES "
          "('00000000-0000-8000-8000-00000000000a', true)");
      transaction.exec(sql);
    } catch (const std::exception& failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  const std::string here = " WHERE account_id = '00000000-0000-8000-8000-00000000000a';";
  const auto set = [&here](const std::string& table, const std::string& what) {
    return "UPDATE " + table + " SET " + what + here;
  };
  const std::string states = "account_states";
  EXPECT_EQ(fails(set(states, "life = 'dormant'")), "");
  EXPECT_THAT(fails(set(states, "life = 'closed'")), HasSubstr("does not become"));
  EXPECT_THAT(fails(set(states, "life = 'dormant'") +
                    set(states, "life = 'closing', next_attempt_time = now()")),
              HasSubstr("does not become"));
  EXPECT_THAT(fails(set(states, "operator_debits = true")), HasSubstr("check constraint"));
  EXPECT_THAT(fails(set("accounts", "state = 'closed'") + set("accounts", "state = 'open'")),
              HasSubstr("stays closed"));
  EXPECT_THAT(fails(set("account_freezes", "told = true") + set("account_freezes", "told = false")),
              HasSubstr("was told"));
}

}  // namespace
}  // namespace florin::accounts
