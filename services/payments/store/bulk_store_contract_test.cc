// What every BulkStore promises, held against PostgreSQL and the fake.
#include <future>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/store/fake_bulk_store.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_bulk_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class FakeBulkSubject {
 public:
  Store& payments() { return payments_; }
  BulkStore& store() { return store_; }

 private:
  FakeStore payments_;
  FakeBulkStore store_{payments_};
};

std::vector<pg::Statement> BulkStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (auto& more : PgBulkStore::Statements()) all.push_back(std::move(more));
  for (auto& more : audit::InsertStatements()) all.push_back(std::move(more));
  return all;
}

class PgBulkSubject {
 public:
  PgBulkSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = BulkStatements(),
               .settings = pg::KeyedAccessSettings()}) {
    // Other tests' bulks wait for workers, too.
    pqxx::connection owner(Server().conninfo("postgres"));
    pqxx::work work(owner);
    work.exec("TRUNCATE payments.bulk_items, payments.bulks");
    work.commit();
  }
  Store& payments() { return payments_; }
  BulkStore& store() { return store_; }

 private:
  pg::Pool pool_;
  PgStore payments_{pool_};
  PgBulkStore store_{pool_};
};

template <class S>
class BulkStoreContractTest : public ::testing::Test {
 protected:
  ~BulkStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  BulkStore& store() { return subject_.store(); }

  Bulk NewBulk(BulkMode mode) {
    return {.bulk_id = SystemIds().NewId(),
            .user_id = user_,
            .mode = mode,
            .source_account_id = SystemIds().NewId(),
            .currency = *Currency::Parse("EUR"),
            .create_time = kStart,
            .update_time = kStart};
  }
  static BulkIntent IntentOf(Bulk bulk, std::string key = "") {
    if (key.empty()) key = SystemIds().NewId().ToString();
    const crypto::Digest fingerprint = crypto::Sha256(CanonicalBulk(bulk));
    return {.bulk = std::move(bulk), .idempotency_key = std::move(key), .fingerprint = fingerprint};
  }
  static BulkItem Item(const std::string& id, std::int64_t minor_units = 10) {
    return {.item_id = id,
            .destination_account_id = SystemIds().NewId(),
            .amount_minor = minor_units,
            .reference = "for {\"" + id + "\"}",
            .reserved_id = SystemIds().NewId()};
  }
  absl::StatusOr<Bulk> Add(const Bulk& bulk, std::vector<BulkItem> items) {
    return Run(store().AddItems(user_, bulk.bulk_id, std::move(items)));
  }
  // A submitted bulk with items a, b, c, d of 10 each.
  Bulk Submitted(BulkMode mode) {
    const Bulk bulk = NewBulk(mode);
    EXPECT_THAT(Run(store().InsertBulk(IntentOf(bulk))), IsOk());
    EXPECT_THAT(Add(bulk, {Item("a"), Item("b"), Item("c"), Item("d")}), IsOk());
    auto submitted = Run(store().ChangeBulk(user_, bulk.bulk_id, BulkEvent::kSubmit, kStart, {}));
    EXPECT_THAT(submitted, IsOk());
    return *submitted;
  }
  std::vector<BulkItem> Take(const Bulk& bulk, BulkState expected, int limit) {
    const auto taken = Run(store().TakeItems(bulk.bulk_id, expected, kStart, limit));
    EXPECT_TRUE(taken.ok() && taken->has_value()) << taken.status();
    return **taken;
  }
  std::vector<BulkItem> Items(const Bulk& bulk, std::optional<ItemState> state = {}) {
    return Run(store().ListItems(user_, bulk.bulk_id, state, 0, 100)).value();
  }
  std::string StatesOf(const Bulk& bulk) {
    std::string text;
    for (const BulkItem& item : Items(bulk)) {
      text +=
          item.item_id + ' ' + std::string(NameOf(item.state)) + ' ' + item.failure_reason + ", ";
    }
    return text;
  }
  BulkState Advance(const Bulk& bulk) {
    return Run(store().Advance(bulk.bulk_id, kStart + absl::Seconds(1))).value();
  }
  void Record(const Bulk& bulk, std::vector<BulkItem> items, ItemState state) {
    for (BulkItem& item : items) {
      item.state = state;
      if (state == ItemState::kFailed) item.failure_reason = "insufficient_funds";
      if (state == ItemState::kSucceeded) item.payment_id = item.reserved_id;
    }
    EXPECT_THAT(Run(store().RecordItems(bulk.bulk_id, std::move(items))), IsOk());
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using BulkSubjects = ::testing::Types<FakeBulkSubject, PgBulkSubject>;
TYPED_TEST_SUITE(BulkStoreContractTest, BulkSubjects);

TYPED_TEST(BulkStoreContractTest, AKeyStandsForOneBulk) {
  const Bulk bulk = this->NewBulk(BulkMode::kBestEffort);
  EXPECT_TRUE(this->Run(this->store().InsertBulk(this->IntentOf(bulk, "key")))->same_request);
  Bulk again = bulk;
  again.bulk_id = SystemIds().NewId();
  auto known = this->Run(this->store().InsertBulk(this->IntentOf(again, "key")));
  EXPECT_EQ(known->bulk, bulk);
  EXPECT_TRUE(known->same_request);
  again.mode = BulkMode::kAllOrNothing;
  known = this->Run(this->store().InsertBulk(this->IntentOf(again, "key")));
  EXPECT_FALSE(known->same_request);
  EXPECT_EQ(this->Run(this->store().GetBulk(this->user_, bulk.bulk_id)).value(), bulk);
}

TYPED_TEST(BulkStoreContractTest, ABulkIsItsUsersOnly) {
  const Bulk bulk = this->Submitted(BulkMode::kBestEffort);
  const Uuid stranger = SystemIds().NewId();
  const auto missing = StatusHasReason(Reason::kBulkNotFound);
  EXPECT_THAT(this->Run(this->store().GetBulk(stranger, bulk.bulk_id)), missing);
  EXPECT_THAT(this->Run(this->store().GetProgress(stranger, bulk.bulk_id)), missing);
  EXPECT_THAT(this->Run(this->store().ListItems(stranger, bulk.bulk_id, {}, 0, 10)), missing);
  std::vector<BulkItem> items = {this->Item("x")};
  EXPECT_THAT(this->Run(this->store().AddItems(stranger, bulk.bulk_id, items)), missing);
  EXPECT_THAT(
      this->Run(this->store().ChangeBulk(stranger, bulk.bulk_id, BulkEvent::kCancel, kStart, {})),
      missing);
}

TYPED_TEST(BulkStoreContractTest, AnItemIsAddedOnce) {
  const Bulk bulk = this->NewBulk(BulkMode::kBestEffort);
  ASSERT_THAT(this->Run(this->store().InsertBulk(this->IntentOf(bulk))), IsOk());
  const BulkItem a = this->Item("a", 5), b = this->Item("b", 7);
  EXPECT_EQ(this->Add(bulk, {a})->total_minor, 5);
  // Sent again, with one more, twice.
  BulkItem again = a;
  again.reserved_id = SystemIds().NewId();
  const auto added = this->Add(bulk, {b, again, b});
  EXPECT_EQ(added->total_minor, 12);
  EXPECT_EQ(added->item_count, 2);
  std::vector<BulkItem> kept = {a, b};
  kept[0].number = 1;
  kept[1].number = 2;
  EXPECT_EQ(this->Items(bulk), kept);
  again.amount_minor = 6;
  const auto refused = this->Add(bulk, {this->Item("c"), again});
  EXPECT_THAT(refused, StatusHasReason(Reason::kIdConflict));
  EXPECT_EQ(DetailOf(refused.status()).param, "items[1].minor_units");
  EXPECT_THAT(this->Items(bulk), SizeIs(2));
}

TYPED_TEST(BulkStoreContractTest, ASubmittedBulkTakesNoItemsButAnswersRepetitions) {
  const Bulk bulk = this->Submitted(BulkMode::kBestEffort);
  EXPECT_THAT(this->Add(bulk, {this->Item("x")}), StatusHasReason(Reason::kBulkClosed));
  EXPECT_THAT(this->Add(bulk, {this->Items(bulk)[0]}), IsOk());
}

TYPED_TEST(BulkStoreContractTest, ChunksAtOnceAreNumberedOn) {
  const Bulk bulk = this->NewBulk(BulkMode::kBestEffort);
  ASSERT_THAT(this->Run(this->store().InsertBulk(this->IntentOf(bulk))), IsOk());
  std::vector<std::future<absl::StatusOr<Bulk>>> chunks;
  for (int chunk = 0; chunk < 8; ++chunk) {
    std::vector<BulkItem> items;
    for (int i = 0; i < 10; ++i) {
      items.push_back(this->Item(std::to_string(chunk) + "-" + std::to_string(i)));
    }
    chunks.push_back(asio::co_spawn(
        this->runtime_.executor(),
        this->store().AddItems(this->user_, bulk.bulk_id, std::move(items)), asio::use_future));
  }
  for (auto& chunk : chunks) EXPECT_THAT(chunk.get(), IsOk());
  const std::vector<BulkItem> items = this->Items(bulk);
  ASSERT_THAT(items, SizeIs(80));
  for (int i = 0; i < 80; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)].number, i + 1);
}

TYPED_TEST(BulkStoreContractTest, ABulkIsTakenByOneUntilItsLeaseIsOver) {
  const Bulk bulk = this->Submitted(BulkMode::kBestEffort);
  const auto claim = [this](absl::Time now) {
    return this->Run(this->store().ClaimBulk(now)).value();
  };
  EXPECT_EQ(claim(kStart), bulk);
  EXPECT_EQ(claim(kStart), std::nullopt);
  // Whoever works on it keeps it.
  ASSERT_THAT(this->Run(this->store().TakeItems(bulk.bulk_id, BulkState::kPaying,
                                                kStart + absl::Seconds(5), 1)),
              IsOk());
  EXPECT_EQ(claim(kStart + kBulkLease), std::nullopt);
  EXPECT_EQ(claim(kStart + absl::Seconds(5) + kBulkLease), bulk);
}

TYPED_TEST(BulkStoreContractTest, BestEffortGoesThroughItsItems) {
  const Bulk bulk = this->Submitted(BulkMode::kBestEffort);
  std::vector<BulkItem> first = this->Take(bulk, BulkState::kPaying, 3);
  ASSERT_THAT(first, SizeIs(3));
  this->Record(bulk, {first[0], first[1]}, ItemState::kSucceeded);
  this->Record(bulk, {first[2]}, ItemState::kFailed);
  // The first result stays.
  this->Record(bulk, {first[2]}, ItemState::kSucceeded);
  EXPECT_EQ(this->Advance(bulk), BulkState::kPaying);
  const auto progress = this->Run(this->store().GetProgress(this->user_, bulk.bulk_id));
  EXPECT_THAT(progress->sums, ElementsAre(Pair(ItemState::kPending, ItemSum{1, 10}),
                                          Pair(ItemState::kSucceeded, ItemSum{2, 20}),
                                          Pair(ItemState::kFailed, ItemSum{1, 10})));
  EXPECT_THAT(this->Items(bulk, ItemState::kFailed), SizeIs(1));
  const std::vector<BulkItem> rest = this->Take(bulk, BulkState::kPaying, 3);
  ASSERT_THAT(rest, SizeIs(1));
  this->Record(bulk, rest, ItemState::kSucceeded);
  EXPECT_THAT(this->Take(bulk, BulkState::kPaying, 3), IsEmpty());
  EXPECT_EQ(this->Advance(bulk), BulkState::kCompleted);
  EXPECT_EQ(this->Run(this->store().ClaimBulk(kStart + absl::Hours(1))).value(), std::nullopt);
  EXPECT_EQ(this->StatesOf(bulk),
            "a succeeded , b succeeded , c failed insufficient_funds, d succeeded , ");
}

TYPED_TEST(BulkStoreContractTest, AllIsCapturedOnceAllIsHeld) {
  const Bulk bulk = this->Submitted(BulkMode::kAllOrNothing);
  std::vector<BulkItem> taken = this->Take(bulk, BulkState::kHolding, 3);
  this->Record(bulk, taken, ItemState::kHeld);
  EXPECT_EQ(this->Advance(bulk), BulkState::kHolding);
  this->Record(bulk, this->Take(bulk, BulkState::kHolding, 3), ItemState::kHeld);
  EXPECT_EQ(this->Advance(bulk), BulkState::kCapturing);
  // Somebody who has slept through it.
  const auto late =
      this->Run(this->store().TakeItems(bulk.bulk_id, BulkState::kHolding, kStart, 3));
  EXPECT_EQ(late.value(), std::nullopt);
  for (int round = 0; round < 2; ++round) {
    const std::vector<BulkItem> held = this->Take(bulk, BulkState::kCapturing, 2);
    ASSERT_THAT(held, SizeIs(2));
    std::vector<Payment> payments;
    for (const BulkItem& item : held) {
      payments.push_back(
          *ApplyAnswer(HeldPayment(bulk, item, kStart), {.committed = true}, kStart));
    }
    // Twice: its answer got lost.
    EXPECT_THAT(this->Run(this->store().RecordCaptured(bulk, held, payments)), IsOk());
    EXPECT_THAT(this->Run(this->store().RecordCaptured(bulk, held, payments)), IsOk());
    EXPECT_EQ(this->Run(this->subject_.payments().GetPayment(this->user_, payments[0].payment_id))
                  .value(),
              payments[0]);
  }
  EXPECT_EQ(this->Advance(bulk), BulkState::kCompleted);
  for (const BulkItem& item : this->Items(bulk)) {
    EXPECT_EQ(item.state, ItemState::kSucceeded);
    EXPECT_EQ(item.payment_id, item.reserved_id);
  }
}

TYPED_TEST(BulkStoreContractTest, EverythingIsReleasedOnceOneIsRefused) {
  const Bulk bulk = this->Submitted(BulkMode::kAllOrNothing);
  std::vector<BulkItem> taken = this->Take(bulk, BulkState::kHolding, 3);
  this->Record(bulk, {taken[0]}, ItemState::kHeld);
  this->Record(bulk, {taken[1]}, ItemState::kFailed);
  EXPECT_THAT(this->Run(this->store().FailUntouched(bulk.bulk_id, 10)).value(), 0);
  EXPECT_EQ(this->Advance(bulk), BulkState::kReleasing);
  EXPECT_EQ(this->Run(this->store().FailUntouched(bulk.bulk_id, 10)).value(), 1);
  EXPECT_EQ(this->Advance(bulk), BulkState::kReleasing);
  // All that the ledger may have heard of: held, refused, and the one in doubt.
  const std::vector<BulkItem> open = this->Take(bulk, BulkState::kReleasing, 10);
  ASSERT_THAT(open, SizeIs(3));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(this->Run(this->store().RecordReleased(bulk.bulk_id, open)), IsOk());
  }
  EXPECT_THAT(this->Take(bulk, BulkState::kReleasing, 10), IsEmpty());
  EXPECT_EQ(this->Advance(bulk), BulkState::kFailed);
  EXPECT_EQ(this->StatesOf(bulk),
            "a failed bulk_item_failed, b failed insufficient_funds, c failed bulk_item_failed, "
            "d failed bulk_item_failed, ");
}

TYPED_TEST(BulkStoreContractTest, IsCanceledBeforeItIsSubmitted) {
  const Bulk bulk = this->NewBulk(BulkMode::kBestEffort);
  ASSERT_THAT(this->Run(this->store().InsertBulk(this->IntentOf(bulk))), IsOk());
  const auto change = [&](BulkEvent event) {
    return this->Run(this->store().ChangeBulk(this->user_, bulk.bulk_id, event, kStart, {}));
  };
  EXPECT_THAT(change(BulkEvent::kSubmit), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(change(BulkEvent::kCancel)->state, BulkState::kCanceled);
  EXPECT_EQ(change(BulkEvent::kCancel)->state, BulkState::kCanceled);
  EXPECT_THAT(change(BulkEvent::kSubmit), StatusHasReason(Reason::kBulkClosed));
}

TEST(BulkTables, KeepTheirPromisesWhateverTheProgramDoes) {
  pqxx::connection connection(Server().conninfo("postgres"));
  {
    pqxx::work work(connection);
    work.exec("TRUNCATE payments.bulk_items, payments.bulks");
    work.exec(
        "INSERT INTO payments.bulks VALUES (gen_random_uuid(), gen_random_uuid(), 'k', "
        "sha256(''), 'all_or_nothing', 'draft', gen_random_uuid(), 'EUR', 1, 1, now(), now(), "
        "now())");
    work.exec(
        "INSERT INTO payments.bulk_items SELECT bulk_id, 1, 'a', gen_random_uuid(), 1, '', "
        "gen_random_uuid(), 'succeeded', false, NULL, gen_random_uuid(), '' FROM payments.bulks");
    work.exec("UPDATE payments.bulks SET state = 'holding'");
    work.exec("UPDATE payments.bulks SET state = 'capturing'");
    work.commit();
  }
  for (const char* statement :
       {"UPDATE payments.bulks SET state = 'releasing'",
        "UPDATE payments.bulks SET state = 'draft'", "UPDATE payments.bulks SET item_count = 2",
        "UPDATE payments.bulk_items SET state = 'failed', failure_reason = 'x'",
        "UPDATE payments.bulk_items SET payment_id = gen_random_uuid()",
        "INSERT INTO payments.bulk_items SELECT bulk_id, 2, 'a', gen_random_uuid(), 1, '', "
        "gen_random_uuid(), 'pending' FROM payments.bulks",
        "INSERT INTO payments.bulk_items SELECT bulk_id, 2, 'b', gen_random_uuid(), 1, '', "
        "gen_random_uuid(), 'succeeded', false, NULL, payment_id, '' FROM payments.bulk_items"}) {
    pqxx::work work(connection);
    EXPECT_THROW(work.exec(statement), pqxx::sql_error) << statement;
  }
}

}  // namespace
}  // namespace florin::payments
