// What every MoneyRequestStore promises, held against PostgreSQL and the fake.
#include <future>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_money_request_store.h"
#include "services/payments/store/pg_money_request_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeMoneyRequestSubject {
 public:
  MoneyRequestStore& store() { return store_; }

 private:
  FakeMoneyRequestStore store_;
};

class PgMoneyRequestSubject {
 public:
  PgMoneyRequestSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = PgMoneyRequestStore::Statements(),
               .settings = pg::KeyedAccessSettings()}) {
    // Other tests' requests are being paid, too.
    pqxx::connection owner(Server().conninfo("postgres"));
    pqxx::work work(owner);
    work.exec("TRUNCATE payments.payment_requests");
    work.commit();
  }
  MoneyRequestStore& store() { return store_; }

 private:
  pg::Pool pool_;
  PgMoneyRequestStore store_{pool_};
};

template <class S>
class MoneyRequestStoreContractTest : public ::testing::Test {
 protected:
  ~MoneyRequestStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  MoneyRequestStore& store() { return subject_.store(); }

  MoneyRequest NewRequest() {
    return {.request_id = SystemIds().NewId(),
            .user_id = user_,
            .destination_account_id = SystemIds().NewId(),
            .amount = {.minor_units = 500, .currency = *Currency::Parse("EUR")},
            .reference = "Dinner {\"x\"}",
            .expire_time = kStart + absl::Hours(1),
            .create_time = kStart,
            .update_time = kStart};
  }
  static MoneyRequestIntent IntentOf(const MoneyRequest& request, std::string key = "") {
    if (key.empty()) key = SystemIds().NewId().ToString();
    return {.request = request,
            .idempotency_key = std::move(key),
            .fingerprint = crypto::Sha256(CanonicalMoneyRequest(request, absl::Hours(1)))};
  }
  MoneyRequest Insert(const MoneyRequest& request) {
    EXPECT_THAT(Run(store().InsertRequest(IntentOf(request))), IsOk());
    return request;
  }
  static Paying NewPaying() {
    return {.user_id = SystemIds().NewId(), .source_account_id = SystemIds().NewId(), .key = "k"};
  }
  static std::optional<Payment> PaymentIn(State state) {
    return Payment{.payment_id = SystemIds().NewId(),
                   .state = state,
                   .amount = {.minor_units = 500, .currency = *Currency::Parse("EUR")}};
  }
  MoneyRequest Get(const MoneyRequest& request) {
    return Run(store().GetRequest(request.request_id)).value();
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using MoneyRequestSubjects = ::testing::Types<FakeMoneyRequestSubject, PgMoneyRequestSubject>;
TYPED_TEST_SUITE(MoneyRequestStoreContractTest, MoneyRequestSubjects);

TYPED_TEST(MoneyRequestStoreContractTest, GivesWhatWasKept) {
  MoneyRequest restricted = this->NewRequest();
  restricted.payer_user_id = SystemIds().NewId();
  EXPECT_EQ(this->Get(this->Insert(restricted)), restricted);
  const MoneyRequest open = this->Insert(this->NewRequest());
  EXPECT_EQ(this->Get(open), open);
  EXPECT_THAT(this->Run(this->store().ListRequests(this->user_, {}, 10)).value(),
              ElementsAre(open, restricted));
  EXPECT_THAT(this->Run(this->store().ListRequests(this->user_, open.request_id, 10)).value(),
              ElementsAre(restricted));
  EXPECT_THAT(this->Run(this->store().ListRequests(SystemIds().NewId(), {}, 10)).value(),
              IsEmpty());
  const Uuid nobodys = SystemIds().NewId();
  const auto missing = StatusHasReason(Reason::kPaymentRequestNotFound);
  EXPECT_THAT(this->Run(this->store().GetRequest(nobodys)), missing);
  EXPECT_THAT(this->Run(this->store().BeginPayment(nobodys, this->NewPaying(), kStart)), missing);
  EXPECT_THAT(this->Run(this->store().CloseRequest(nobodys, MoneyRequestEvent::kDecline, kStart)),
              missing);
}

TYPED_TEST(MoneyRequestStoreContractTest, AKeyStandsForOneRequest) {
  const MoneyRequest request = this->NewRequest();
  EXPECT_TRUE(this->Run(this->store().InsertRequest(this->IntentOf(request, "key")))->same_request);
  MoneyRequest again = request;
  again.request_id = SystemIds().NewId();
  auto known = this->Run(this->store().InsertRequest(this->IntentOf(again, "key")));
  EXPECT_EQ(known->request, request);
  EXPECT_TRUE(known->same_request);
  again.amount.minor_units += 1;
  known = this->Run(this->store().InsertRequest(this->IntentOf(again, "key")));
  EXPECT_FALSE(known->same_request);
}

TYPED_TEST(MoneyRequestStoreContractTest, OfPayersAtOnceOneBegins) {
  const MoneyRequest request = this->Insert(this->NewRequest());
  std::vector<std::future<absl::StatusOr<MoneyRequest>>> begun;
  for (int i = 0; i < 8; ++i) {
    begun.push_back(
        asio::co_spawn(this->runtime_.executor(),
                       this->store().BeginPayment(request.request_id, this->NewPaying(), kStart),
                       asio::use_future));
  }
  int winners = 0;
  for (auto& one : begun) {
    const auto outcome = one.get();
    winners += outcome.ok();
    if (!outcome.ok()) {
      EXPECT_THAT(outcome, StatusHasReason(Reason::kPaymentRequestClosed));
    }
  }
  EXPECT_EQ(winners, 1);
}

TYPED_TEST(MoneyRequestStoreContractTest, IsPaidOrOpenAgain) {
  const MoneyRequest request = this->Insert(this->NewRequest());
  const Paying first = this->NewPaying();
  ASSERT_THAT(this->Run(this->store().BeginPayment(request.request_id, first, kStart)), IsOk());
  EXPECT_EQ(this->Get(request).paying, first);
  ASSERT_THAT(this->Run(this->store().EndPayment(request.request_id, first,
                                                 this->PaymentIn(State::kRequiresAction), kStart)),
              IsOk());
  EXPECT_FALSE(this->Get(request).payment_id.is_nil());
  ASSERT_THAT(this->Run(this->store().EndPayment(request.request_id, first,
                                                 this->PaymentIn(State::kCanceled), kStart)),
              IsOk());
  EXPECT_EQ(this->Get(request), request);
  const Paying second = this->NewPaying();
  ASSERT_THAT(this->Run(this->store().BeginPayment(request.request_id, second, kStart)), IsOk());
  const auto paid = this->PaymentIn(State::kSucceeded);
  for (int i = 0; i < 2; ++i) {
    const auto ended =
        this->Run(this->store().EndPayment(request.request_id, second, paid, kStart));
    EXPECT_EQ(ended->state, MoneyRequestState::kPaid);
    EXPECT_EQ(ended->payment_id, paid->payment_id);
  }
  EXPECT_THAT(this->Run(this->store().CloseRequest(request.request_id, MoneyRequestEvent::kWithdraw,
                                                   kStart)),
              StatusHasReason(Reason::kPaymentRequestClosed));
}

TYPED_TEST(MoneyRequestStoreContractTest, WhatIsLeftIsTakenUpAfterItsLease) {
  const MoneyRequest request = this->Insert(this->NewRequest());
  const auto claim = [this](absl::Time now) {
    return this->Run(this->store().ClaimPaying(now, 10)).value().size();
  };
  EXPECT_EQ(claim(kStart + absl::Hours(1)), 0);
  ASSERT_THAT(this->Run(this->store().BeginPayment(request.request_id, this->NewPaying(), kStart)),
              IsOk());
  EXPECT_EQ(claim(kStart + kMoneyRequestLease - absl::Microseconds(1)), 0);
  EXPECT_EQ(claim(kStart + kMoneyRequestLease), 1);
  EXPECT_EQ(claim(kStart + kMoneyRequestLease), 0);
}

TYPED_TEST(MoneyRequestStoreContractTest, IsDeclinedOrWithdrawn) {
  for (const auto event : {MoneyRequestEvent::kDecline, MoneyRequestEvent::kWithdraw}) {
    const MoneyRequest request = this->Insert(this->NewRequest());
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(this->Run(this->store().CloseRequest(request.request_id, event, kStart)), IsOk());
    }
    EXPECT_THAT(
        this->Run(this->store().BeginPayment(request.request_id, this->NewPaying(), kStart)),
        StatusHasReason(Reason::kPaymentRequestClosed));
  }
}

TEST(MoneyRequestTable, KeepsItsPromisesWhateverTheProgramDoes) {
  pqxx::connection connection(Server().conninfo("postgres"));
  const std::string insert =
      "INSERT INTO payments.payment_requests SELECT gen_random_uuid(), gen_random_uuid(), "
      "gen_random_uuid()::text, sha256(''), 'paid', gen_random_uuid(), 'EUR', 1, '', NULL, now(), "
      "gen_random_uuid(), gen_random_uuid(), 'k', ";
  {
    pqxx::work work(connection);
    work.exec("TRUNCATE payments.payment_requests");
    work.exec(insert + "gen_random_uuid(), now(), now(), now()");
    work.commit();
  }
  for (const std::string& statement :
       {std::string("UPDATE payments.payment_requests SET state = 'open', payment_id = NULL, "
                    "paying_user_id = NULL, paying_source_id = NULL, paying_key = NULL"),
        std::string("UPDATE payments.payment_requests SET payment_id = gen_random_uuid()"),
        insert + "payment_id, now(), now(), now() FROM payments.payment_requests",
        insert + "NULL, now(), now(), now()"}) {
    pqxx::work work(connection);
    EXPECT_THROW(work.exec(statement), pqxx::sql_error) << statement;
  }
}

}  // namespace
}  // namespace florin::payments
