// What every DepositStore and every SandboxRailStore promises, held against PostgreSQL and the
// fakes.
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_sandbox_rail_store.h"
#include "services/payments/store/pg_deposit_store.h"
#include "services/payments/store/pg_sandbox_rail_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<pg::Statement> RailStatements() {
  std::vector<pg::Statement> all = PgDepositStore::Statements();
  for (auto& more : PgSandboxRailStore::Statements()) all.push_back(std::move(more));
  return all;
}

struct FakeRailSubject {
  FakeDepositStore deposit_store;
  FakeSandboxRailStore rail_store;
  DepositStore& deposits() { return deposit_store; }
  SandboxRailStore& rail() { return rail_store; }
};

struct PgRailSubject {
  pg::Pool pool{{.conninfo = Server().conninfo("payments"),
                 .connections = 2,
                 .statements = RailStatements()}};
  PgDepositStore deposit_store{pool};
  PgSandboxRailStore rail_store{pool};
  DepositStore& deposits() { return deposit_store; }
  SandboxRailStore& rail() { return rail_store; }
};

Money Euro(std::int64_t minor_units) {
  return {.minor_units = minor_units, .currency = *Currency::Parse("EUR")};
}

template <typename T>
class RailStoreTest : public ::testing::Test {
 protected:
  // Of this test alone: the database is all tests'.
  std::vector<RailEntry> Due(absl::Time now) {
    auto due = runtime_.Run(kept_.rail().DueNotifications(now, 1'000));
    EXPECT_THAT(due, IsOk());
    std::erase_if(*due, [this](const RailEntry& entry) {
      return entry.payout_id != id_ && entry.deposit_id != id_.ToString();
    });
    return *std::move(due);
  }
  std::vector<PlannedEntry> Plan() {
    return {{.entry = {.event = RailEvent::kSettled,
                       .payout_id = id_,
                       .amount = Euro(250),
                       .book_time = kStart},
             .notifications = 2},
            {.entry = {.event = RailEvent::kReturned,
                       .payout_id = id_,
                       .amount = Euro(250),
                       .code = "AC04",
                       .book_time = kStart + absl::Hours(24)}}};
  }
  absl::StatusOr<TakenPayout> Take(std::int64_t minor_units = 250) {
    return runtime_.Run(kept_.rail().Take(
        {.payout_id = id_, .amount = Euro(minor_units), .silent_until = kStart, .entries = {}},
        Plan()));
  }

  async::Runtime runtime_{1};
  T kept_;
  const Uuid id_ = SystemIds().NewId();
};

using RailStores = ::testing::Types<FakeRailSubject, PgRailSubject>;
TYPED_TEST_SUITE(RailStoreTest, RailStores);

TYPED_TEST(RailStoreTest, TakesAPayoutOnce) {
  EXPECT_FALSE(this->runtime_.Run(this->kept_.rail().FindTaken(this->id_))->has_value());
  const auto taken = this->Take();
  ASSERT_THAT(taken, IsOk());
  ASSERT_THAT(taken->entries, SizeIs(2));
  EXPECT_EQ(taken->entries[1].code, "AC04");
  EXPECT_EQ(taken->entries[1].book_time, kStart + absl::Hours(24));
  const auto again = this->Take(999);
  EXPECT_EQ(again->amount, Euro(250));
  EXPECT_EQ(again->entries, taken->entries);
  const auto found = this->runtime_.Run(this->kept_.rail().FindTaken(this->id_));
  EXPECT_EQ((*found)->entries, taken->entries);
  EXPECT_EQ((*found)->silent_until, kStart);
}

TYPED_TEST(RailStoreTest, NotifiesInTimeAndSoOftenAsPlanned) {
  ASSERT_THAT(this->Take(), IsOk());
  EXPECT_THAT(this->Due(kStart - absl::Microseconds(1)), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    const std::vector<RailEntry> due = this->Due(kStart);
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].event, RailEvent::kSettled);
    EXPECT_THAT(this->runtime_.Run(this->kept_.rail().Notified(due[0].number)), IsOk());
  }
  EXPECT_THAT(this->Due(kStart), IsEmpty());
  EXPECT_THAT(this->Due(kStart + absl::Hours(24)), SizeIs(1));
}

TYPED_TEST(RailStoreTest, AddsADepositOnce) {
  const PlannedEntry deposit{.entry = {.deposit_id = this->id_.ToString(),
                                       .amount = Euro(7),
                                       .account_reference = "XF",
                                       .reference = "Zoë",
                                       .book_time = kStart}};
  const auto added = this->runtime_.Run(this->kept_.rail().AddDeposit(deposit));
  ASSERT_THAT(added, IsOk());
  EXPECT_EQ(added->reference, "Zoë");
  PlannedEntry other = deposit;
  other.entry.amount = Euro(8);
  EXPECT_EQ(this->runtime_.Run(this->kept_.rail().AddDeposit(other)).value(), *added);
  EXPECT_THAT(this->Due(kStart), SizeIs(1));
}

TYPED_TEST(RailStoreTest, HasAStatementInOrder) {
  ASSERT_THAT(this->Take(), IsOk());
  const auto taken = this->runtime_.Run(this->kept_.rail().FindTaken(this->id_));
  const RailEntry first = (*taken)->entries[0];
  const auto after = this->runtime_.Run(
      this->kept_.rail().BookedAfter(first.book_time, first.number - 1, kStart, 1));
  ASSERT_THAT(after, IsOk());
  ASSERT_THAT(*after, SizeIs(1));
  EXPECT_EQ(after->front(), first);
  const auto later = this->runtime_.Run(this->kept_.rail().BookedAfter(
      first.book_time, first.number, kStart + absl::Hours(23), 1'000));
  for (const RailEntry& entry : *later) EXPECT_NE(entry.payout_id, this->id_);
}

TYPED_TEST(RailStoreTest, KeepsADepositAndItsOwnerOnce) {
  const RailDeposit deposit{.rail = "sandbox",
                            .deposit_id = this->id_.ToString(),
                            .amount = Euro(7),
                            .account_reference = "XF",
                            .reference = "Zoë",
                            .create_time = kStart};
  const auto kept = this->runtime_.Run(this->kept_.deposits().ReceiveDeposit(deposit));
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(*kept, deposit);
  RailDeposit other = deposit;
  other.amount = Euro(8);
  EXPECT_EQ(this->runtime_.Run(this->kept_.deposits().ReceiveDeposit(other)).value(), deposit);

  RailDeposit owned = deposit;
  owned.stage = DepositStage::kCrediting;
  owned.account_id = SystemIds().NewId();
  owned.user_id = SystemIds().NewId();
  owned.payment_id = SystemIds().NewId();
  EXPECT_EQ(
      this->runtime_.Run(this->kept_.deposits().AdvanceDeposit(DepositStage::kReceived, owned))
          .value(),
      owned);
  RailDeposit second = owned;
  second.payment_id = SystemIds().NewId();
  EXPECT_EQ(
      this->runtime_.Run(this->kept_.deposits().AdvanceDeposit(DepositStage::kReceived, second))
          .value(),
      owned)
      << "it was decided before";
  RailDeposit credited = owned;
  credited.stage = DepositStage::kCredited;
  EXPECT_EQ(
      this->runtime_.Run(this->kept_.deposits().AdvanceDeposit(DepositStage::kCrediting, credited))
          .value(),
      credited);
  RailDeposit suspended = owned;
  suspended.stage = DepositStage::kSuspending;
  EXPECT_EQ(
      this->runtime_.Run(this->kept_.deposits().AdvanceDeposit(DepositStage::kCrediting, suspended))
          .value(),
      credited);
}

}  // namespace
}  // namespace florin::payments
