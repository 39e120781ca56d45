// What stands in the tables: sealed values only, also after rows from before, a new key of the ring
// and an erasure.
#include <future>

#include <boost/asio/use_future.hpp>

#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SealingTest : public ::testing::Test {
 protected:
  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  std::vector<std::string> Rows(const std::string& sql) { return subject_.Rows(runtime_, sql); }
  // Every column of every row of the user's, as text and as what bytea columns would show.
  std::string Tables() {
    std::string all;
    const std::string where = " WHERE user_id = '" + user_.ToString() + "'";
    for (const char* table : {"customers", "accounts", "verifications"}) {
      for (const std::string& row :
           Rows("SELECT t::text FROM " + std::string(table) + " AS t" + where)) {
        all += row + "\n";
      }
    }
    for (const std::string& row : Rows("SELECT e::text FROM audit_events AS e WHERE actor = '" +
                                       FormatId(IdKind::kUser, user_) + "'")) {
      all += row + "\n";
    }
    return all;
  }
  // A request's fingerprint as hexadecimal digits: SHA-256 of a name could be guessed.
  static std::string PlainFingerprint(const std::string& content) {
    return crypto::Hex(crypto::AsOctets(crypto::Sha256(content)));
  }
  Customer NewCustomer(PgSubject& subject) {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Planted Name",
                      .create_time = kStart};
    RequestKey key = KeyOf(customer.customer_id.ToString(), "Planted Name");
    EXPECT_THAT(Run(subject.store().InsertCustomer(customer, key)), IsOk());
    return customer;
  }
  Account NewAccount(PgSubject& subject, const Customer& customer) {
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = customer.customer_id,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Planted Savings",
                    .state = AccountState::kOpen,
                    .create_time = kStart};
    RequestKey key = KeyOf(account.account_id.ToString(), "Planted Savings");
    EXPECT_THAT(Run(subject.store().InsertAccount(account, key)), IsOk());
    EXPECT_THAT(Run(subject.store().MarkOpen(account.account_id)), IsOk());
    return account;
  }
  void SetProfile(PgSubject& subject, const Customer& customer) {
    Decide decide = [](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before};
      decided.after.profile = {.kind = CustomerKind::kPerson,
                               .given_name = "Plantedgiven",
                               .address = {.line1 = "Planted Street 7"},
                               .email = "planted@example.com",
                               .phone = "+4917012345678"};
      return decided;
    };
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.customer.update";
    event.actor = FormatId(IdKind::kUser, user_);
    EXPECT_THAT(Run(subject.customers().Change(
                    {.user_id = user_, .customer_id = customer.customer_id}, decide, event)),
                IsOk());
  }
  // As the program before 0003_customers.sql wrote them.
  Customer OldCustomer(const std::string& key = "old") {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Planted Name",
                      .create_time = kStart};
    Rows(
        "INSERT INTO customers (user_id, customer_id, display_name, idempotency_key, fingerprint, "
        "create_time) VALUES ('" +
        user_.ToString() + "', '" + customer.customer_id.ToString() + "', 'Planted Name', '" + key +
        "', '\\x" + PlainFingerprint("Planted Name") +
        "', timestamptz 'epoch' + 1790000000000001 * interval '1 microsecond')");
    return customer;
  }
  Account OldAccount(const Customer& customer) {
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = customer.customer_id,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Planted Savings",
                    .state = AccountState::kOpen,
                    .create_time = kStart};
    Rows(
        "INSERT INTO accounts (account_id, user_id, customer_id, currency, display_name, state, "
        "idempotency_key, fingerprint, create_time) VALUES ('" +
        account.account_id.ToString() + "', '" + user_.ToString() + "', '" +
        customer.customer_id.ToString() + "', 'EUR', 'Planted Savings', 'open', 'old', '\\x" +
        PlainFingerprint("Planted Savings") +
        "', timestamptz 'epoch' + 1790000000000001 * interval '1 microsecond')");
    return account;
  }

  async::Runtime runtime_{2};
  PgSubject subject_;
  const Uuid user_ = SystemIds().NewId();
};

TEST_F(SealingTest, NothingIsWrittenPlain) {
  const Customer customer = NewCustomer(subject_);
  NewAccount(subject_, customer);
  SetProfile(subject_, customer);
  const std::string tables = Tables();
  EXPECT_THAT(tables, HasSubstr(customer.customer_id.ToString()));
  for (const char* planted : {"Planted", "planted", "17012345678"}) {
    EXPECT_THAT(tables, Not(HasSubstr(planted)));
    EXPECT_THAT(tables, Not(HasSubstr(crypto::Hex(planted))));
  }
  EXPECT_THAT(tables, Not(HasSubstr(PlainFingerprint("Planted Name"))));
  EXPECT_THAT(tables, Not(HasSubstr(PlainFingerprint("Planted Savings"))));
}

TEST_F(SealingTest, AValueThatWasMovedDoesNotOpen) {
  const Customer a = NewCustomer(subject_);
  const Customer b = NewCustomer(subject_);
  Rows(
      "UPDATE customers SET display_name_sealed = (SELECT display_name_sealed FROM customers "
      "WHERE customer_id = '" +
      a.customer_id.ToString() +
      "'), data_key = (SELECT data_key FROM customers "
      "WHERE customer_id = '" +
      a.customer_id.ToString() + "') WHERE customer_id = '" + b.customer_id.ToString() + "'");
  EXPECT_THAT(Run(subject_.store().GetCustomer(user_, b.customer_id)),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Run(subject_.store().GetCustomer(user_, a.customer_id)), IsOk());
}

TEST_F(SealingTest, RowsFromBeforeAreReadAndThenSealed) {
  const Customer customer = OldCustomer();
  const Account account = OldAccount(customer);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      EXPECT_GE(Run(subject_.sealing().RunOnce()).value(), 1);
      EXPECT_THAT(Tables(), Not(HasSubstr("Planted")));
      EXPECT_THAT(Tables(), Not(HasSubstr(PlainFingerprint("Planted Name"))));
      EXPECT_THAT(Tables(), Not(HasSubstr(PlainFingerprint("Planted Savings"))));
    }
    EXPECT_EQ(Run(subject_.store().GetCustomer(user_, customer.customer_id)).value(), customer);
    EXPECT_EQ(Run(subject_.store().GetAccount(user_, account.account_id)).value(), account);
    // Retries are known by either fingerprint.
    Customer retried = customer;
    retried.customer_id = SystemIds().NewId();
    const auto same =
        Run(subject_.store().InsertCustomer(retried, KeyOf("old", "Planted Name"))).value();
    EXPECT_EQ(same.customer, customer);
    EXPECT_TRUE(same.same_request);
    EXPECT_FALSE(
        Run(subject_.store().InsertCustomer(retried, KeyOf("old", "other")))->same_request);
    EXPECT_TRUE(Run(subject_.store().InsertAccount(account, KeyOf("old", "Planted Savings")))
                    ->same_request);
  }
  EXPECT_EQ(Run(subject_.sealing().RunOnce()).value(), 0);
}

TEST_F(SealingTest, ARowFromBeforeIsSealedByItsFirstChange) {
  const Customer by_account = OldCustomer();
  NewAccount(subject_, by_account);
  EXPECT_THAT(Tables(), Not(HasSubstr("Planted")));
  EXPECT_EQ(Run(subject_.store().GetCustomer(user_, by_account.customer_id)).value(), by_account);
}

TEST_F(SealingTest, AnAccountThatAnOldProgramMadeLaterIsSealedToo) {
  const Customer customer = NewCustomer(subject_);
  const Account account = OldAccount(customer);
  EXPECT_GE(Run(subject_.sealing().RunOnce()).value(), 1);
  EXPECT_THAT(Tables(), Not(HasSubstr("Planted")));
  EXPECT_EQ(Run(subject_.store().GetAccount(user_, account.account_id)).value(), account);
}

TEST_F(SealingTest, ReplicasSealAtTheSameTime) {
  // Everything that is plain is sealed once, and opens: two keys for one customer would not.
  std::vector<Customer> customers;
  for (int i = 0; i < 30; ++i) customers.push_back(OldCustomer("old" + std::to_string(i)));
  PgSubject other;
  std::future<absl::StatusOr<int>> one =
      asio::co_spawn(runtime_.executor(), subject_.sealing().RunOnce(), asio::use_future);
  std::future<absl::StatusOr<int>> two =
      asio::co_spawn(runtime_.executor(), other.sealing().RunOnce(), asio::use_future);
  const absl::StatusOr<int> by_one = one.get();
  const absl::StatusOr<int> by_two = two.get();
  ASSERT_THAT(by_one, IsOk());
  ASSERT_THAT(by_two, IsOk());
  ASSERT_THAT(Run(subject_.sealing().RunOnce()), IsOk());  // What one had locked for the other.
  for (const Customer& customer : customers) {
    EXPECT_EQ(Run(other.store().GetCustomer(customer.user_id, customer.customer_id)).value(),
              customer);
  }
  EXPECT_THAT(Rows("SELECT 1 FROM customers WHERE display_name IS NOT NULL"), IsEmpty());
}

TEST_F(SealingTest, ANewKeyOfTheRingResealsEverybodysAndTheOldOneCanGo) {
  const Customer customer = NewCustomer(subject_);
  const Account account = NewAccount(subject_, customer);
  SetProfile(subject_, customer);
  const std::string of_user =
      " FROM customers WHERE customer_id = '" + customer.customer_id.ToString() + "'";
  const Customer broken = NewCustomer(subject_);
  const std::string of_broken = " WHERE customer_id = '" + broken.customer_id.ToString() + "'";
  Rows("UPDATE customers SET data_key = '\\x00'" + of_broken);
  EXPECT_THAT(Rows("SELECT data_key_id" + of_user), ElementsAre("1"));
  PgSubject rotated("21");
  EXPECT_EQ(Run(rotated.store().GetCustomer(user_, customer.customer_id)).value().display_name,
            "Planted Name");
  EXPECT_GE(Run(rotated.sealing().RunOnce()).value(), 1);
  EXPECT_THAT(Rows("SELECT data_key_id" + of_user), ElementsAre("2"));
  PgSubject after("2");
  const CustomerRef ref{.user_id = user_, .customer_id = customer.customer_id};
  EXPECT_EQ(Run(after.customers().Get(ref)).value().profile.given_name, "Plantedgiven");
  EXPECT_EQ(Run(after.store().GetAccount(user_, account.account_id)).value(), account);
  EXPECT_THAT(Run(subject_.store().GetCustomer(user_, customer.customer_id)),
              StatusHasReason(Reason::kInternal));
  // A customer whose key does not open has not held up anybody.
  EXPECT_THAT(Rows("SELECT data_key_id FROM customers" + of_broken), ElementsAre("1"));
  // Back, for the other tests of this database: "1" is above nothing that they can open.
  PgSubject back("12");
  EXPECT_GE(Run(back.sealing().RunOnce()).value(), 1);
  EXPECT_THAT(Rows("SELECT data_key_id" + of_user), ElementsAre("1"));
}

TEST_F(SealingTest, OfAnErasedCustomerTheRowHasNothing) {
  const Customer customer = NewCustomer(subject_);
  const Account account = NewAccount(subject_, customer);
  SetProfile(subject_, customer);
  const CustomerRef ref{.user_id = user_, .customer_id = customer.customer_id};
  Decide leave = [](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    Decided decided{.after = before};
    decided.after.leaving_to = CustomerState::kErased;
    decided.after.leaving_attempt = 1;
    decided.after.next_attempt_time = kStart;
    return decided;
  };
  audit::Event event;
  event.event_id = SystemIds().NewId();
  event.time = kStart;
  event.action = "accounts.customer.leave";
  ASSERT_THAT(Run(subject_.customers().Change(ref, leave, event)), IsOk());
  EXPECT_GE(subject_.data().remembered(), 1u);
  audit::Origin origin;
  ASSERT_THAT(Run(subject_.customers().FinishLeaving(ref, 1, kStart, origin)), IsOk());
  EXPECT_THAT(Rows("SELECT num_nonnulls(display_name, data_key, data_key_id, display_name_sealed, "
                   "profile_sealed, email_index, phone_index) || kind || kyc_level || "
                   "encode(fingerprint, 'hex') FROM customers WHERE user_id = '" +
                   user_.ToString() + "'"),
              ElementsAre("0none" + std::string(64, '0')));
  EXPECT_THAT(Rows("SELECT num_nonnulls(display_name, display_name_sealed) || state || "
                   "encode(fingerprint, 'hex') FROM accounts WHERE account_id = '" +
                   account.account_id.ToString() + "'"),
              ElementsAre("0closed" + std::string(64, '0')));
  EXPECT_EQ(subject_.data().remembered(), 0u);
}

}  // namespace
}  // namespace florin::accounts
