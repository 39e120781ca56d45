// What every accounts Store promises, held against PostgreSQL and the fake; and what the runtime
// role may not do.
#include <memory>

#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

template <class S>
class StoreContractTest : public ::testing::Test {
 protected:
  // Calls `method` of the store and waits for its result.
  template <class Result, class... Parameters, class... Arguments>
  Result Call(Task<Result> (Store::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.store().*method)(std::forward<Arguments>(arguments)...));
  }

  Customer NewCustomer() {
    return {.customer_id = SystemIds().NewId(),
            .user_id = user_,
            .display_name = "Zoë \"Z\" \\ {Söhne}",
            .create_time = kStart};
  }
  Customer InsertCustomer() {
    const Customer customer = NewCustomer();
    EXPECT_THAT(Call(&Store::InsertCustomer, customer, KeyOf("customer", "content")), IsOk());
    return customer;
  }
  Account NewAccount(const Customer& customer) {
    return {.account_id = SystemIds().NewId(),
            .user_id = customer.user_id,
            .customer_id = customer.customer_id,
            .currency = *Currency::Parse("EUR"),
            .display_name = "Savings",
            .create_time = kStart};
  }
  Account InsertAccount(const Customer& customer, const std::string& key) {
    const Account account = NewAccount(customer);
    EXPECT_THAT(Call(&Store::InsertAccount, account, KeyOf(key, "content")), IsOk());
    return account;
  }
  Account OpenAccount(const Customer& customer, const std::string& key) {
    Account account = InsertAccount(customer, key);
    EXPECT_THAT(Call(&Store::MarkOpen, account.account_id), IsOk());
    account.state = AccountState::kOpen;
    return account;
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(StoreContractTest, Subjects);

TYPED_TEST(StoreContractTest, ACustomerIsKeptWhole) {
  const Customer customer = this->InsertCustomer();
  EXPECT_EQ(this->Call(&Store::GetCustomer, this->user_, customer.customer_id).value(), customer);
}

TYPED_TEST(StoreContractTest, ACustomerOfAnotherUserIsNotFound) {
  const Customer customer = this->InsertCustomer();
  EXPECT_THAT(this->Call(&Store::GetCustomer, SystemIds().NewId(), customer.customer_id),
              StatusHasReason(Reason::kCustomerNotFound));
  EXPECT_THAT(this->Call(&Store::GetCustomer, this->user_, SystemIds().NewId()),
              StatusHasReason(Reason::kCustomerNotFound));
}

TYPED_TEST(StoreContractTest, AKnownKeyGivesTheCustomerThatHasIt) {
  const Customer first = this->InsertCustomer();
  const auto same =
      this->Call(&Store::InsertCustomer, this->NewCustomer(), KeyOf("customer", "content"));
  ASSERT_THAT(same, IsOk());
  EXPECT_EQ(same->customer, first);
  EXPECT_TRUE(same->same_request);
  const auto other =
      this->Call(&Store::InsertCustomer, this->NewCustomer(), KeyOf("customer", "other"));
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->customer, first);
  EXPECT_FALSE(other->same_request);
}

TYPED_TEST(StoreContractTest, KeysOfOtherUsersAreApart) {
  this->InsertCustomer();
  Customer foreign = this->NewCustomer();
  foreign.user_id = SystemIds().NewId();
  const auto stored = this->Call(&Store::InsertCustomer, foreign, KeyOf("customer", "content"));
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->customer, foreign);
}

TYPED_TEST(StoreContractTest, AnAccountBeginsAsOpening) {
  const Account account = this->NewAccount(this->InsertCustomer());
  const auto stored = this->Call(&Store::InsertAccount, account, KeyOf("key", "content"));
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->account, account);
  EXPECT_EQ(stored->account.state, AccountState::kOpening);
}

TYPED_TEST(StoreContractTest, AnAccountKeepsItsBook) {
  const Customer customer = this->InsertCustomer();
  Account account = this->NewAccount(customer);
  account.book = "other";
  const auto stored = this->Call(&Store::InsertAccount, account, KeyOf("key", "content"));
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->account, account);
  ASSERT_THAT(this->Call(&Store::MarkOpen, account.account_id), IsOk());
  EXPECT_EQ(this->Call(&Store::GetAccount, this->user_, account.account_id)->book, "other");
  const std::vector<Uuid> ids = {account.account_id};
  EXPECT_EQ(this->Call(&Store::LookUp, ids)->front().account.book, "other");
}

TYPED_TEST(StoreContractTest, AKnownKeyGivesTheAccountThatHasIt) {
  const Customer customer = this->InsertCustomer();
  const Account first = this->InsertAccount(customer, "key");
  const Account second = this->NewAccount(customer);
  const auto same = this->Call(&Store::InsertAccount, second, KeyOf("key", "content"));
  ASSERT_THAT(same, IsOk());
  EXPECT_EQ(same->account, first);
  EXPECT_TRUE(same->same_request);
  const auto other = this->Call(&Store::InsertAccount, second, KeyOf("key", "other"));
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->account, first);
  EXPECT_FALSE(other->same_request);
}

TYPED_TEST(StoreContractTest, AnAccountNeedsACustomerOfItsUser) {
  const Customer customer = this->InsertCustomer();
  Account account = this->NewAccount(customer);
  account.customer_id = SystemIds().NewId();
  EXPECT_THAT(this->Call(&Store::InsertAccount, account, KeyOf("1", "content")),
              StatusHasReason(Reason::kCustomerNotFound));
  account = this->NewAccount(customer);
  account.user_id = SystemIds().NewId();
  EXPECT_THAT(this->Call(&Store::InsertAccount, account, KeyOf("2", "content")),
              StatusHasReason(Reason::kCustomerNotFound));
}

TYPED_TEST(StoreContractTest, OnlyOpenAccountsAreSeen) {
  const Customer customer = this->InsertCustomer();
  const Account account = this->InsertAccount(customer, "key");
  const std::vector<Uuid> ids = {account.account_id};
  EXPECT_THAT(this->Call(&Store::GetAccount, this->user_, account.account_id),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Call(&Store::ListAccounts, this->user_, std::nullopt, 10).value(), IsEmpty());
  EXPECT_THAT(this->Call(&Store::LookUp, ids).value(), IsEmpty());

  Account open = account;
  open.state = AccountState::kOpen;
  for (int repeated = 0; repeated < 2; ++repeated) {
    ASSERT_THAT(this->Call(&Store::MarkOpen, account.account_id), IsOk());
    EXPECT_EQ(this->Call(&Store::GetAccount, this->user_, account.account_id).value(), open);
    EXPECT_THAT(this->Call(&Store::ListAccounts, this->user_, std::nullopt, 10).value(),
                ElementsAre(open));
    EXPECT_THAT(this->Call(&Store::LookUp, ids).value(),
                ElementsAre(HeldAccount{open, customer.display_name}));
  }
}

TYPED_TEST(StoreContractTest, AnAccountOfAnotherUserIsNotFound) {
  const Account account = this->OpenAccount(this->InsertCustomer(), "key");
  EXPECT_THAT(this->Call(&Store::GetAccount, SystemIds().NewId(), account.account_id),
              StatusHasReason(Reason::kAccountNotFound));
}

TYPED_TEST(StoreContractTest, ListsTheUsersAccountsOldestFirst) {
  const Customer customer = this->InsertCustomer();
  const Account first = this->OpenAccount(customer, "1");
  const Account second = this->OpenAccount(customer, "2");
  const Account third = this->OpenAccount(customer, "3");
  EXPECT_THAT(this->Call(&Store::ListAccounts, this->user_, std::nullopt, 2).value(),
              ElementsAre(first, second));
  EXPECT_THAT(this->Call(&Store::ListAccounts, this->user_, second.account_id, 2).value(),
              ElementsAre(third));
  EXPECT_THAT(this->Call(&Store::ListAccounts, SystemIds().NewId(), std::nullopt, 2).value(),
              IsEmpty());
}

TYPED_TEST(StoreContractTest, LooksUpAccountsOfAnybodyAndLeavesOutUnknownOnes) {
  const Customer customer = this->InsertCustomer();
  const Account first = this->OpenAccount(customer, "1");
  const Account second = this->OpenAccount(customer, "2");
  const std::vector<Uuid> ids = {second.account_id, SystemIds().NewId(), first.account_id};
  EXPECT_THAT(this->Call(&Store::LookUp, ids).value(),
              UnorderedElementsAre(HeldAccount{first, customer.display_name},
                                   HeldAccount{second, customer.display_name}));
}

TYPED_TEST(StoreContractTest, ListsWhatIsStillOpening) {
  const Customer customer = this->InsertCustomer();
  const Account opening = this->InsertAccount(customer, "1");
  const Account open = this->OpenAccount(customer, "2");
  const auto before = this->Call(&Store::ListOpening, kStart - absl::Microseconds(1), 1000).value();
  EXPECT_THAT(before, Not(Contains(opening)));
  const auto due = this->Call(&Store::ListOpening, kStart, 1000).value();
  EXPECT_THAT(due, Contains(opening));
  EXPECT_THAT(due, Not(Contains(open)));
}

// What the database itself forbids the runtime role.
class GrantsTest : public ::testing::Test {
 protected:
  absl::Status Execute(const std::string& sql) {
    std::function<absl::StatusOr<int>(pqxx::work&)> work = [&sql](pqxx::work& transaction) {
      transaction.exec(sql);
      return absl::StatusOr<int>(0);
    };
    return runtime_.Run(pool_.Transact(std::move(work))).status();
  }

  async::Runtime runtime_{1};
  pg::Pool pool_{{.conninfo = Server().conninfo("accounts"), .connections = 1}};
};

TEST_F(GrantsTest, AnAccountKeepsItsOwnerAndCurrency) {
  EXPECT_THAT(Execute("UPDATE accounts SET state = state"), IsOk());
  for (const char* column : {"user_id", "customer_id", "currency", "account_id"}) {
    EXPECT_THAT(Execute(std::string("UPDATE accounts SET ") + column + " = " + column),
                StatusHasReason(Reason::kInternal))
        << column;
  }
}

TEST_F(GrantsTest, NothingIsDeletedOrDefined) {
  EXPECT_THAT(Execute("SELECT account_id FROM accounts"), IsOk());
  for (const char* sql :
       {"DELETE FROM accounts", "DELETE FROM customers", "DELETE FROM verifications",
        "TRUNCATE accounts", "CREATE TABLE extra (a integer)", "DROP TABLE accounts"}) {
    EXPECT_THAT(Execute(sql), StatusHasReason(Reason::kInternal)) << sql;
  }
}

}  // namespace
}  // namespace florin::accounts
