// What every payments Store promises, held against PostgreSQL and the fake; and what the runtime
// role may not do.
#include <memory>

#include "libs/async/runtime.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Each test works for users of its own.

class Subject {
 public:
  virtual ~Subject() = default;
  virtual Store& store() = 0;
};

class FakePaymentSubject : public Subject {
 public:
  Store& store() override { return store_; }

 private:
  FakeStore store_;
};

class PgPaymentSubject : public Subject {
 public:
  PgPaymentSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 2,
               .statements = PgStore::Statements(),
               .settings = pg::KeyedAccessSettings()}),
        store_(pool_) {}
  Store& store() override { return store_; }

 private:
  pg::Pool pool_;
  PgStore store_;
};

template <class S>
class StoreContractTest : public ::testing::Test {
 protected:
  // Calls `method` of the store and waits for its result.
  template <class Result, class... Parameters, class... Arguments>
  Result Call(Task<Result> (Store::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.store().*method)(std::forward<Arguments>(arguments)...));
  }

  Intent NewIntent(const std::string& key, Kind kind = Kind::kTransfer) {
    const PaymentRequest request{
        .kind = kind,
        .source_account_id = kind == Kind::kTransfer ? SystemIds().NewId() : Uuid(),
        .destination_account_id = SystemIds().NewId(),
        .amount = {.minor_units = 1250, .currency = kEur},
        .reference = "Café \"1\", {a} \\ NULL"};
    return {.payment = NewPayment(SystemIds().NewId(), user_, request, kStart),
            .idempotency_key = key,
            .fingerprint = crypto::Sha256(CanonicalRequest(request))};
  }
  Payment Insert(const std::string& key) {
    const Intent intent = NewIntent(key);
    EXPECT_THAT(Call(&Store::InsertIntents, std::vector{intent}), IsOk());
    return intent.payment;
  }
  static Payment Ended(Payment payment, bool committed) {
    const LedgerAnswer answer{
        .committed = committed, .refusal_reason = "insufficient_funds", .final = true};
    return *ApplyAnswer(std::move(payment), answer, kStart + absl::Microseconds(777));
  }
  // Claims what is due, and leaves out the payments of other tests.
  std::vector<Payment> Claim(absl::Time now) {
    std::vector<Payment> mine;
    const auto claimed = Call(&Store::ClaimUnfinished, now, 1000);
    for (const Payment& payment : *claimed) {
      if (payment.user_id == user_) mine.push_back(payment);
    }
    return mine;
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using PaymentSubjects = ::testing::Types<FakePaymentSubject, PgPaymentSubject>;
TYPED_TEST_SUITE(StoreContractTest, PaymentSubjects);

TYPED_TEST(StoreContractTest, ANewIntentIsKeptWhole) {
  for (const Kind kind : {Kind::kTransfer, Kind::kDeposit}) {
    const Intent intent = this->NewIntent("key", kind);
    const auto stored = this->Call(&Store::InsertIntents, std::vector{intent});
    ASSERT_THAT(stored, IsOk());
    ASSERT_THAT(*stored, SizeIs(1));
    EXPECT_EQ(stored->front().payment, intent.payment);
    EXPECT_TRUE(stored->front().same_request);
    EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, intent.payment.payment_id).value(),
              intent.payment);
  }
}

TYPED_TEST(StoreContractTest, AKnownKeyGivesThePaymentThatHasIt) {
  const Intent first = this->NewIntent("key");
  Intent retry = first;
  retry.payment.payment_id = SystemIds().NewId();
  const Intent other = this->NewIntent("key");
  const Intent fresh = this->NewIntent("another key");
  ASSERT_THAT(this->Call(&Store::InsertIntents, std::vector{first}), IsOk());
  const auto stored = this->Call(&Store::InsertIntents, std::vector{fresh, retry, other});
  ASSERT_THAT(stored, IsOk());
  ASSERT_THAT(*stored, SizeIs(3));
  EXPECT_EQ((*stored)[0].payment, fresh.payment);
  EXPECT_EQ((*stored)[1].payment, first.payment);
  EXPECT_TRUE((*stored)[1].same_request);
  EXPECT_EQ((*stored)[2].payment, first.payment);
  EXPECT_FALSE((*stored)[2].same_request);
  EXPECT_THAT(this->Call(&Store::GetPayment, this->user_, retry.payment.payment_id),
              StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(StoreContractTest, OneKeyTwiceInOneCallInsertsOnePayment) {
  const Intent first = this->NewIntent("key");
  Intent second = first;
  second.payment.payment_id = SystemIds().NewId();
  const auto stored = this->Call(&Store::InsertIntents, std::vector{first, second});
  ASSERT_THAT(stored, IsOk());
  ASSERT_THAT(*stored, SizeIs(2));
  EXPECT_EQ((*stored)[0].payment.payment_id, (*stored)[1].payment.payment_id);
  EXPECT_THAT(this->Call(&Store::ListPayments, this->user_, std::nullopt, 10).value(), SizeIs(1));
}

TYPED_TEST(StoreContractTest, RepeatingAnInsertChangesNothing) {
  const Intent intent = this->NewIntent("key");
  ASSERT_THAT(this->Call(&Store::InsertIntents, std::vector{intent}), IsOk());
  const auto again = this->Call(&Store::InsertIntents, std::vector{intent});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->front().payment, intent.payment);
  EXPECT_TRUE(again->front().same_request);
}

TYPED_TEST(StoreContractTest, KeysOfOtherUsersAndOtherKindsAreApart) {
  const Intent transfer = this->NewIntent("key");
  const Intent deposit = this->NewIntent("key", Kind::kDeposit);
  Intent foreign = this->NewIntent("key");
  foreign.payment.user_id = SystemIds().NewId();
  const auto stored = this->Call(&Store::InsertIntents, std::vector{transfer, deposit, foreign});
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ((*stored)[0].payment, transfer.payment);
  EXPECT_EQ((*stored)[1].payment, deposit.payment);
  EXPECT_EQ((*stored)[2].payment, foreign.payment);
}

TYPED_TEST(StoreContractTest, ResultsAreRecorded) {
  const Payment succeeded = this->Ended(this->Insert("1"), true);
  const Payment failed = this->Ended(this->Insert("2"), false);
  EXPECT_THAT(this->Call(&Store::RecordResults, std::vector{succeeded, failed}).value(),
              ElementsAre(succeeded, failed));
  EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, succeeded.payment_id).value(), succeeded);
  EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, failed.payment_id).value(), failed);
}

TYPED_TEST(StoreContractTest, BeginningsAndEndsShareACommit) {
  const Payment succeeded = this->Ended(this->Insert("1"), true);
  const Intent known = this->NewIntent("1");
  const Intent fresh = this->NewIntent("2");
  const auto writes = std::make_shared<Store::Writes>(
      Store::Writes{.intents = {known, fresh}, .ended = {succeeded}});
  const auto written = this->Call(&Store::Write, writes);
  ASSERT_THAT(written, IsOk());
  EXPECT_THAT(written->ended, ElementsAre(succeeded));
  ASSERT_THAT(written->intents, SizeIs(2));
  EXPECT_EQ(written->intents[0].payment, succeeded);
  EXPECT_FALSE(written->intents[0].same_request);
  EXPECT_EQ(written->intents[1].payment, fresh.payment);
  EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, succeeded.payment_id).value(), succeeded);
  EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, fresh.payment.payment_id).value(),
            fresh.payment);
}

TYPED_TEST(StoreContractTest, TheFirstResultStays) {
  const Payment payment = this->Insert("1");
  const Payment succeeded = this->Ended(payment, true);
  const Payment failed = this->Ended(payment, false);
  const Payment other = this->Ended(this->Insert("2"), true);
  ASSERT_THAT(this->Call(&Store::RecordResults, std::vector{succeeded}), IsOk());
  EXPECT_THAT(this->Call(&Store::RecordResults, std::vector{other, failed}).value(),
              ElementsAre(other, succeeded));
  EXPECT_EQ(this->Call(&Store::GetPayment, this->user_, payment.payment_id).value(), succeeded);
}

TYPED_TEST(StoreContractTest, APaymentOfAnotherUserIsNotFound) {
  const Payment payment = this->Insert("1");
  EXPECT_THAT(this->Call(&Store::GetPayment, SystemIds().NewId(), payment.payment_id),
              StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(StoreContractTest, ListsTheUsersPaymentsNewestFirst) {
  const Payment first = this->Insert("1");
  const Payment second = this->Insert("2");
  const Payment third = this->Insert("3");
  EXPECT_THAT(this->Call(&Store::ListPayments, this->user_, std::nullopt, 2).value(),
              ElementsAre(third, second));
  EXPECT_THAT(this->Call(&Store::ListPayments, this->user_, second.payment_id, 2).value(),
              ElementsAre(first));
  EXPECT_THAT(this->Call(&Store::ListPayments, SystemIds().NewId(), std::nullopt, 2).value(),
              IsEmpty());
}

TYPED_TEST(StoreContractTest, UnfinishedPaymentsAreClaimedOnceALease) {
  const Payment one = this->Insert("1");
  const Payment two = this->Insert("2");
  const Payment done = this->Insert("3");
  ASSERT_THAT(this->Call(&Store::RecordResults, std::vector{this->Ended(done, true)}), IsOk());
  // The request that makes them has them at first.
  EXPECT_THAT(this->Claim(kStart + kLease - absl::Microseconds(1)), IsEmpty());
  const absl::Time due = kStart + kLease;
  EXPECT_THAT(this->Claim(due), UnorderedElementsAre(one, two));
  EXPECT_THAT(this->Claim(due + kLease - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(this->Claim(due + kLease), UnorderedElementsAre(one, two));
}

TYPED_TEST(StoreContractTest, AClaimIsBounded) {
  this->Insert("1");
  this->Insert("2");
  EXPECT_THAT(this->Call(&Store::ClaimUnfinished, kStart + kLease, 1).value(), SizeIs(1));
}

// The second line of defence, in the database itself.
class GrantsTest : public ::testing::Test {
 protected:
  void TearDown() override { pool_.reset(); }

  // Runs one statement as the runtime role, on a payment that has succeeded.
  absl::Status Execute(const std::string& sql) {
    std::function<absl::StatusOr<int>(pqxx::work&)> work = [&sql](pqxx::work& transaction) {
      transaction.exec(sql);
      return absl::StatusOr<int>(0);
    };
    return runtime_.Run(pool_->Transact(std::move(work))).status();
  }

  void SetUp() override {
    ASSERT_THAT(
        Execute("INSERT INTO payments (user_id, payment_id, kind, idempotency_key, fingerprint, "
                "state, destination_account_id, currency, amount_minor, reference, transaction_id, "
                "create_time, update_time, next_attempt_time) VALUES (gen_random_uuid(), "
                "gen_random_uuid(), 'deposit', 'key', sha256('x'), 'succeeded', gen_random_uuid(), "
                "'EUR', 1, '', gen_random_uuid(), now(), now(), now())"),
        IsOk());
  }

  async::Runtime runtime_{1};
  std::unique_ptr<pg::Pool> pool_ = std::make_unique<pg::Pool>(
      pg::PoolOptions{.conninfo = Server().conninfo("payments"), .connections = 1});
};

TEST_F(GrantsTest, TerminalStatesCannotChange) {
  EXPECT_THAT(Execute("UPDATE payments SET state = 'succeeded' WHERE state = 'processing'"),
              IsOk());
  EXPECT_THAT(Execute("UPDATE payments SET state = 'processing'"),
              StatusHasReason(Reason::kInternal));
}

TEST_F(GrantsTest, WhatWasIntendedCannotChange) {
  EXPECT_THAT(Execute("UPDATE payments SET amount_minor = 2"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Execute("UPDATE payments SET reference = ''"), StatusHasReason(Reason::kInternal));
}

TEST_F(GrantsTest, NothingIsDeleted) {
  EXPECT_THAT(Execute("DELETE FROM payments"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Execute("TRUNCATE payments"), StatusHasReason(Reason::kInternal));
}

TEST_F(GrantsTest, TheRuntimeRoleDefinesNothing) {
  EXPECT_THAT(Execute("CREATE TABLE extra (a integer)"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(Execute("ALTER TABLE payments ADD COLUMN extra integer"),
              StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::payments
