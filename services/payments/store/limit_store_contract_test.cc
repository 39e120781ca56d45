// What every LimitStore promises, held against PostgreSQL and the fake: each change once, every
// maximum kept; and what is kept of a payment's limits.
#include <future>
#include <memory>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/request.h"
#include "services/payments/store/fake_limit_store.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_limit_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using Kind = LimitChange::Kind;

class FakeLimitSubject {
 public:
  LimitStore& limits() { return limits_; }
  Store& payments() { return payments_; }

 private:
  FakeLimitStore limits_;
  FakeStore payments_;
};

std::vector<pg::Statement> LimitStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (auto& more : PgLimitStore::Statements()) all.push_back(std::move(more));
  for (auto& more : audit::InsertStatements()) all.push_back(std::move(more));
  return all;
}

class PgLimitSubject {
 public:
  PgLimitSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = LimitStatements(),
               .settings = pg::KeyedAccessSettings()}) {}
  LimitStore& limits() { return limits_; }
  Store& payments() { return payments_; }

 private:
  pg::Pool pool_;
  PgLimitStore limits_{pool_};
  PgStore payments_{pool_};
};

template <class S>
class LimitStoreContractTest : public ::testing::Test {
 protected:
  ~LimitStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  // Of a user of its own, so that limits of other tests are not alike.
  Limit NewLimit() {
    return {.limit_id = SystemIds().NewId(),
            .scope = LimitScope::kPayee,
            .subject = user_,
            .kyc_level = KycLevel::kBasic,
            .currency = kEur,
            .measure = LimitMeasure::kCount,
            .window = absl::Hours(24),
            .maxima = {5},
            .create_time = kStart,
            .update_time = kStart};
  }
  LimitChange Of(const Limit& limit, Kind kind, const std::string& key, std::int64_t maximum = 0,
                 absl::Time time = kStart) {
    return {.kind = kind,
            .limit = limit,
            .limit_id = limit.limit_id,
            .maximum = maximum,
            .user_id = operator_,
            .idempotency_key = key,
            .fingerprint = crypto::Sha256(key + std::to_string(maximum)),
            .time = time};
  }
  absl::StatusOr<StoredLimit> Change(LimitChange change) {
    return Run(subject_.limits().ChangeLimit(std::move(change)));
  }
  Limit Create(const std::string& key = "create") {
    const Limit limit = NewLimit();
    const auto made = Change(Of(limit, Kind::kCreate, key));
    EXPECT_THAT(made, IsOk());
    return limit;
  }
  // Those of this test.
  std::vector<Limit> Listed(absl::Time now = kStart) {
    std::vector<Limit> limits = Run(subject_.limits().ListLimits(now)).value();
    std::erase_if(limits, [this](const Limit& limit) { return limit.subject != user_; });
    return limits;
  }

  async::Runtime runtime_{4};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const Uuid operator_ = SystemIds().NewId();
};

using LimitSubjects = ::testing::Types<FakeLimitSubject, PgLimitSubject>;
TYPED_TEST_SUITE(LimitStoreContractTest, LimitSubjects);

TYPED_TEST(LimitStoreContractTest, ALimitIsKeptWhole) {
  const Limit limit = this->Create();
  EXPECT_THAT(this->Listed(), ElementsAre(limit));
  Limit plain = this->NewLimit();
  plain.scope = LimitScope::kAccount;
  plain.measure = LimitMeasure::kAmount;
  plain.kyc_level.reset();
  plain.window.reset();
  ASSERT_THAT(this->Change(this->Of(plain, Kind::kCreate, "plain")), IsOk());
  Limit country = this->NewLimit();
  country.scope = LimitScope::kCountry;
  country.country = "FR";
  ASSERT_THAT(this->Change(this->Of(country, Kind::kCreate, "country")), IsOk());
  EXPECT_THAT(this->Listed(), ElementsAre(limit, plain, country));
}

TYPED_TEST(LimitStoreContractTest, KeepsEveryMaximum) {
  Limit limit = this->Create();
  const absl::Time later = kStart + absl::Hours(1);
  ASSERT_THAT(this->Change(this->Of(limit, Kind::kSetMaximum, "raise", 9, later)), IsOk());
  const auto lowered = this->Change(this->Of(limit, Kind::kSetMaximum, "lower", 0, later));
  ASSERT_THAT(lowered, IsOk());
  limit.maxima = {5, 9, 0};
  limit.update_time = later;
  EXPECT_EQ(lowered->limit, limit);
  EXPECT_THAT(this->Listed(), ElementsAre(limit));
}

TYPED_TEST(LimitStoreContractTest, AKeyIsAnsweredAsTheFirstTime) {
  const Limit limit = this->Create();
  const LimitChange raise = this->Of(limit, Kind::kSetMaximum, "raise", 9);
  const auto first = this->Change(raise);
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->replayed);
  ASSERT_THAT(this->Change(this->Of(limit, Kind::kRemove, "remove")), IsOk());
  const auto again = this->Change(raise);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed && again->same_request);
  EXPECT_EQ(again->limit, first->limit);
  LimitChange other = raise;
  other.fingerprint = crypto::Sha256("other");
  EXPECT_FALSE(this->Change(other)->same_request);
  // Making it again under its key makes no other.
  const auto made = this->Change(this->Of(this->NewLimit(), Kind::kCreate, "create"));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->limit, limit);
  EXPECT_EQ(this->Listed().size(), 1u);
}

TYPED_TEST(LimitStoreContractTest, WhatIsRemovedDoesNotChangeAndIsForgottenLater) {
  Limit limit = this->Create();
  ASSERT_THAT(this->Change(this->Of(limit, Kind::kRemove, "remove")), IsOk());
  limit.removed = true;
  EXPECT_THAT(this->Listed(kStart + kRemovedLimitsStay), ElementsAre(limit));
  EXPECT_TRUE(this->Listed(kStart + kRemovedLimitsStay + absl::Seconds(1)).empty());
  // Whoever asks for it still has it.
  const Limit other = this->Create("other");
  const std::vector<Uuid> ids = {limit.limit_id, SystemIds().NewId()};
  EXPECT_THAT(this->Run(this->subject_.limits().FindLimits(ids)).value(), ElementsAre(limit));
  const std::vector<Uuid> others = {other.limit_id};
  EXPECT_THAT(this->Run(this->subject_.limits().FindLimits(others)).value(), ElementsAre(other));
  for (const Kind kind : {Kind::kSetMaximum, Kind::kRemove}) {
    EXPECT_THAT(this->Change(this->Of(limit, kind, "again", 1)),
                StatusHasReason(Reason::kLimitNotFound));
    EXPECT_THAT(this->Change(this->Of(this->NewLimit(), kind, "none", 1)),
                StatusHasReason(Reason::kLimitNotFound));
  }
}

TYPED_TEST(LimitStoreContractTest, AreFewAlike) {
  const Limit first = this->Create("0");
  for (int i = 1; i < kMostLimitsAlike; ++i) this->Create(std::to_string(i));
  EXPECT_THAT(this->Change(this->Of(this->NewLimit(), Kind::kCreate, "one more")),
              AllOf(StatusHasReason(Reason::kInvalidLimit), StatusHasParam("scope")));
  Limit another = this->NewLimit();
  another.kyc_level = KycLevel::kFull;
  EXPECT_THAT(this->Change(this->Of(another, Kind::kCreate, "another")), IsOk());
  // A removed one makes room.
  ASSERT_THAT(this->Change(this->Of(first, Kind::kRemove, "remove")), IsOk());
  EXPECT_THAT(this->Change(this->Of(this->NewLimit(), Kind::kCreate, "one more")), IsOk());
}

TYPED_TEST(LimitStoreContractTest, ChangesAtOnceAreAllKept) {
  const Limit limit = this->Create();
  std::vector<std::future<absl::StatusOr<StoredLimit>>> changes;
  for (int i = 1; i <= 8; ++i) {
    changes.push_back(asio::co_spawn(this->runtime_.executor(),
                                     this->subject_.limits().ChangeLimit(this->Of(
                                         limit, Kind::kSetMaximum, std::to_string(i % 4), i % 4)),
                                     asio::use_future));
  }
  for (auto& change : changes) EXPECT_THAT(change.get(), IsOk());
  EXPECT_EQ(this->Listed().front().maxima.size(), 5u) << "one for each key";
}

TYPED_TEST(LimitStoreContractTest, WhatAPaymentUsesIsKeptWithItsIntentAndItsRefusalWithItsEnd) {
  const PaymentRequest request{.kind = florin::payments::Kind::kTransfer,
                               .source_account_id = SystemIds().NewId(),
                               .destination_account_id = SystemIds().NewId(),
                               .amount = {700, kEur},
                               .reference = ""};
  Payment payment = NewPayment(SystemIds().NewId(), this->user_, request, kStart);
  payment.limit_uses = {{SystemIds().NewId(), SystemIds().NewId(), 700, absl::Hours(24), true},
                        {SystemIds().NewId(), SystemIds().NewId(), 1, absl::Hours(48), false}};
  const std::vector<Intent> intents = {
      {.payment = payment, .idempotency_key = "key", .fingerprint = crypto::Sha256("1")}};
  Store& store = this->subject_.payments();
  ASSERT_THAT(this->Run(store.InsertIntents(intents)), IsOk());
  const auto kept = [&] {
    return this->Run(store.GetPayment(this->user_, payment.payment_id)).value();
  };
  EXPECT_EQ(kept(), payment);
  payment.state = State::kFailed;
  payment.failure_reason = "limit_exceeded";
  payment.limit_refusal = {.limit_id = payment.limit_uses[1].limit_id, .remaining = 0};
  ASSERT_THAT(this->Run(store.RecordResults(std::vector{payment})), IsOk());
  EXPECT_EQ(kept(), payment);
  // The first end stays.
  Payment other = payment;
  other.limit_refusal->remaining = 9;
  EXPECT_THAT(this->Run(store.RecordResults(std::vector{other})).value(), ElementsAre(payment));
}

TYPED_TEST(LimitStoreContractTest, ARefusalIsKeptWithTheIntent) {
  const PaymentRequest request{.kind = florin::payments::Kind::kTransfer,
                               .source_account_id = SystemIds().NewId(),
                               .destination_account_id = SystemIds().NewId(),
                               .amount = {700, kEur},
                               .reference = ""};
  Payment payment = NewPayment(SystemIds().NewId(), this->user_, request, kStart);
  payment.limit_refusal = {.limit_id = SystemIds().NewId(), .remaining = 500};
  const std::vector<Intent> intents = {
      {.payment = payment, .idempotency_key = "key", .fingerprint = crypto::Sha256("1")}};
  Store& store = this->subject_.payments();
  ASSERT_THAT(this->Run(store.InsertIntents(intents)), IsOk());
  EXPECT_EQ(this->Run(store.GetPayment(this->user_, payment.payment_id)).value(), payment);
  payment.state = State::kFailed;
  payment.failure_reason = "limit_exceeded";
  EXPECT_THAT(this->Run(store.RecordResults(std::vector{payment})).value(), ElementsAre(payment));
}

// What the program never does is refused by the database all the same.
TEST(PgLimitStoreTest, HistoryIsAppendOnly) {
  pqxx::connection connection(Server().conninfo("payments"));
  for (const char* sql :
       {"UPDATE limits SET measure = 'amount'", "DELETE FROM limits",
        "UPDATE limit_revisions SET maximum = 1", "DELETE FROM limit_revisions"}) {
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

}  // namespace
}  // namespace florin::payments
