// What schedules and bulks promise while they wait for their payer's approval, held against
// PostgreSQL and the fakes.
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_bulk_store.h"
#include "services/payments/store/fake_schedule_store.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_bulk_store.h"
#include "services/payments/store/pg_schedule_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kExpiry = kStart + absl::Minutes(5);

class FakeOrderApprovalSubject {
 public:
  ScheduleStore& schedules() { return schedules_; }
  BulkStore& bulks() { return bulks_; }

 private:
  FakeStore payments_;
  FakeScheduleStore schedules_;
  FakeBulkStore bulks_{payments_};
};

std::vector<pg::Statement> OrderApprovalStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (auto& more : PgScheduleStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgBulkStore::Statements()) all.push_back(std::move(more));
  for (auto& more : audit::InsertStatements()) all.push_back(std::move(more));
  return all;
}

class PgOrderApprovalSubject {
 public:
  PgOrderApprovalSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = OrderApprovalStatements(),
               .settings = pg::KeyedAccessSettings()}) {
    pqxx::connection owner(Server().conninfo("postgres"));
    pqxx::work work(owner);
    work.exec(
        "TRUNCATE payments.bulk_items, payments.bulks, payments.schedule_occurrences, "
        "payments.schedules");
    work.commit();
  }
  ScheduleStore& schedules() { return schedules_; }
  BulkStore& bulks() { return bulks_; }

 private:
  pg::Pool pool_;
  PgScheduleStore schedules_{pool_};
  PgBulkStore bulks_{pool_};
};

OrderTerms Terms(const Uuid& order_id) {
  return {.approval_id = order_id,
          .payee_name = "Zoë \"Z\" \\ {Söhne}",
          .terms = "Every day",
          .nonce = std::string("\0\xff", 2) + std::string(30, 'n'),
          .expire_time = kExpiry};
}

template <class S>
class OrderApprovalStoreContractTest : public ::testing::Test {
 protected:
  ~OrderApprovalStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  ScheduleStore& schedules() { return subject_.schedules(); }
  BulkStore& bulks() { return subject_.bulks(); }

  Schedule WaitingSchedule() {
    Schedule schedule{.schedule_id = SystemIds().NewId(),
                      .user_id = user_,
                      .state = ScheduleState::kRequiresAction,
                      .source_account_id = SystemIds().NewId(),
                      .destination_account_id = SystemIds().NewId(),
                      .amount = {.minor_units = 100, .currency = *Currency::Parse("EUR")},
                      .rule = {.frequency = Frequency::kDaily,
                               .first_day = absl::CivilDay(2026, 6, 1),
                               .zone_name = "UTC",
                               .zone = absl::UTCTimeZone()},
                      .next_time = kStart,
                      .create_time = kStart,
                      .update_time = kStart};
    schedule.approval = Terms(schedule.schedule_id);
    ScheduleIntent intent{.schedule = schedule,
                          .idempotency_key = SystemIds().NewId().ToString(),
                          .fingerprint = crypto::Sha256(CanonicalSchedule(schedule))};
    const auto stored = Run(schedules().InsertSchedule(std::move(intent)));
    EXPECT_THAT(stored, IsOk());
    EXPECT_EQ(stored->schedule, schedule);
    EXPECT_EQ(Kept(schedule), schedule);
    return schedule;
  }
  Schedule Kept(const Schedule& schedule) {
    return Run(schedules().GetSchedule(user_, schedule.schedule_id)).value();
  }
  Bulk Kept(const Bulk& bulk) { return Run(bulks().GetBulk(user_, bulk.bulk_id)).value(); }

  static std::vector<BulkItem> Items(int count) {
    std::vector<BulkItem> items;
    for (int i = 0; i < count; ++i) {
      items.push_back({.item_id = "item-" + std::to_string(i),
                       .destination_account_id = SystemIds().NewId(),
                       .amount_minor = i + 1,
                       .reference = "Zoë",
                       .reserved_id = SystemIds().NewId()});
    }
    return items;
  }
  Bulk Draft(BulkMode mode, const std::vector<BulkItem>& items) {
    Bulk bulk{.bulk_id = SystemIds().NewId(),
              .user_id = user_,
              .mode = mode,
              .source_account_id = SystemIds().NewId(),
              .currency = *Currency::Parse("EUR"),
              .create_time = kStart,
              .update_time = kStart};
    BulkIntent intent{.bulk = bulk,
                      .idempotency_key = SystemIds().NewId().ToString(),
                      .fingerprint = crypto::Sha256(CanonicalBulk(bulk))};
    EXPECT_THAT(Run(bulks().InsertBulk(std::move(intent))), IsOk());
    if (!items.empty()) {
      EXPECT_THAT(Run(bulks().AddItems(user_, bulk.bulk_id, items)), IsOk());
    }
    return bulk;
  }
  absl::StatusOr<Bulk> Await(const Bulk& bulk, int items) {
    return Run(bulks().AwaitApproval(user_, bulk.bulk_id, Terms(bulk.bulk_id), items, kStart,
                                     {.caller = "gateway"}));
  }
  Bulk WaitingBulk(BulkMode mode = BulkMode::kBestEffort) {
    const absl::StatusOr<Bulk> bulk = Await(Draft(mode, Items(3)), 3);
    EXPECT_THAT(bulk, IsOk());
    EXPECT_EQ(bulk->state, BulkState::kRequiresAction);
    return *bulk;
  }
  // Redeemed for what is kept of it.
  template <class Order>
  absl::StatusOr<AwaitedOrder> Start(OrderApprovalStore& store, const Order& order) {
    const AskedApproval asked = AskedOf(order);
    return Run(store.StartApproved(user_, asked.binding.payment_id,
                                   sca::BindingDigest(asked.binding), kStart + absl::Seconds(1),
                                   {.caller = "gateway"}));
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using OrderApprovalSubjects = ::testing::Types<FakeOrderApprovalSubject, PgOrderApprovalSubject>;
TYPED_TEST_SUITE(OrderApprovalStoreContractTest, OrderApprovalSubjects);

TYPED_TEST(OrderApprovalStoreContractTest, AScheduleBeginsOnceItIsApproved) {
  const Schedule waiting = this->WaitingSchedule();
  EXPECT_EQ(this->Run(this->schedules().BeginOccurrences(kExpiry, 10)).value(), 0);
  EXPECT_FALSE(IsApproved(waiting));
  const auto started = this->Start(this->schedules(), waiting);
  ASSERT_THAT(started, IsOk());
  EXPECT_FALSE(started->waiting);
  const Schedule kept = this->Kept(waiting);
  EXPECT_EQ(kept.state, ScheduleState::kActive);
  EXPECT_EQ(kept.update_time, kStart + absl::Seconds(1));
  EXPECT_TRUE(IsApproved(kept));
  EXPECT_EQ(this->Run(this->schedules().BeginOccurrences(kExpiry, 10)).value(), 1);
  const auto due = this->Run(this->schedules().ClaimOccurrences(kExpiry, 10)).value();
  ASSERT_FALSE(due.empty());
  EXPECT_TRUE(IsApproved(due[0].schedule));
  // Again, and too late to give it up.
  EXPECT_THAT(this->Start(this->schedules(), waiting), IsOk());
  EXPECT_THAT(this->Run(this->schedules().GiveUpAwaited(this->user_, waiting.schedule_id,
                                                        Reason::kApprovalExpired, kExpiry, {})),
              IsOk());
  EXPECT_EQ(this->Kept(waiting).state, ScheduleState::kActive);
}

TYPED_TEST(OrderApprovalStoreContractTest, WhatIsApprovedIsWhatIsKept) {
  const Schedule waiting = this->WaitingSchedule();
  void (*const changes[])(Schedule&) = {
      [](Schedule& s) { s.amount.minor_units += 1; },
      [](Schedule& s) { s.destination_account_id = s.schedule_id; },
      [](Schedule& s) { s.source_account_id = s.schedule_id; },
      [](Schedule& s) { s.rule.frequency = Frequency::kWeekly; },
      [](Schedule& s) { s.rule.count = 3; },
      [](Schedule& s) { s.reference = "other"; },
      [](Schedule& s) { s.catch_up = CatchUp::kSkip; },
      [](Schedule& s) { s.approval->payee_name = "Bob"; },
      [](Schedule& s) { s.approval->terms = "Every week"; },
      [](Schedule& s) { s.approval->nonce[0] = 'x'; },
  };
  for (const auto& change : changes) {
    Schedule other = waiting;
    change(other);
    EXPECT_THAT(this->Start(this->schedules(), other), StatusHasReason(Reason::kApprovalMismatch));
  }
  EXPECT_EQ(this->Kept(waiting), waiting);
  const Bulk bulk = this->WaitingBulk();
  void (*const bulk_changes[])(Bulk&) = {
      [](Bulk& b) { b.total_minor += 1; },
      [](Bulk& b) { b.mode = BulkMode::kAllOrNothing; },
      [](Bulk& b) { b.source_account_id = b.bulk_id; },
      [](Bulk& b) { b.content[0] ^= 1; },
      [](Bulk& b) { b.approval->payee_name = "Bob"; },
      [](Bulk& b) { b.approval->terms = "2 payments"; },
  };
  for (const auto& change : bulk_changes) {
    Bulk other = bulk;
    change(other);
    EXPECT_THAT(this->Start(this->bulks(), other), StatusHasReason(Reason::kApprovalMismatch));
  }
  EXPECT_EQ(this->Kept(bulk), bulk);
}

TYPED_TEST(OrderApprovalStoreContractTest, ABulkIsPaidOnceItIsApproved) {
  for (const BulkMode mode : {BulkMode::kBestEffort, BulkMode::kAllOrNothing}) {
    const std::vector<BulkItem> items = this->Items(5001);
    const Bulk draft = this->Draft(mode, items);
    const absl::StatusOr<Bulk> waiting = this->Await(draft, 5001);
    ASSERT_THAT(waiting, IsOk());
    BulkContent content;
    content.Add(items);
    EXPECT_EQ(waiting->content, content.octets());
    EXPECT_EQ(waiting->approval->terms, "5001 payments, list " + crypto::Hex(content.octets()));
    EXPECT_EQ(this->Kept(draft), *waiting);
    EXPECT_EQ(this->Run(this->bulks().ClaimBulk(kExpiry)).value(), std::nullopt);
    ASSERT_THAT(this->Start(this->bulks(), *waiting), IsOk());
    const Bulk kept = this->Kept(draft);
    EXPECT_EQ(kept.state, mode == BulkMode::kBestEffort ? BulkState::kPaying : BulkState::kHolding);
    EXPECT_TRUE(IsApproved(kept));
    const auto claimed = this->Run(this->bulks().ClaimBulk(kExpiry)).value();
    ASSERT_TRUE(claimed.has_value());
    EXPECT_EQ(*claimed, kept);
    EXPECT_THAT(this->Start(this->bulks(), *waiting), IsOk());
    EXPECT_EQ(this->Kept(draft), kept);
  }
}

TYPED_TEST(OrderApprovalStoreContractTest, ABulkWaitsAsItWasLookedAt) {
  const Bulk draft = this->Draft(BulkMode::kBestEffort, this->Items(3));
  // Something was added since.
  EXPECT_EQ(this->Await(draft, 2)->state, BulkState::kDraft);
  const Bulk waiting = this->Await(draft, 3).value();
  EXPECT_EQ(waiting.state, BulkState::kRequiresAction);
  // Submitted again, after the first.
  EXPECT_EQ(this->Await(draft, 3).value(), waiting);
  EXPECT_THAT(this->Run(this->bulks().AddItems(this->user_, draft.bulk_id, this->Items(4))),
              StatusHasReason(Reason::kIdConflict));
  std::vector<BulkItem> more = this->Items(4);
  more.erase(more.begin(), more.begin() + 3);
  EXPECT_THAT(this->Run(this->bulks().AddItems(this->user_, draft.bulk_id, more)),
              StatusHasReason(Reason::kBulkClosed));
  EXPECT_THAT(this->Await(this->Draft(BulkMode::kBestEffort, {}), 0),
              StatusHasReason(Reason::kInvalidField));
  const Bulk canceled = this->Draft(BulkMode::kBestEffort, this->Items(1));
  EXPECT_THAT(this->Run(this->bulks().ChangeBulk(this->user_, canceled.bulk_id, BulkEvent::kCancel,
                                                 kStart, {.caller = "gateway"})),
              IsOk());
  EXPECT_THAT(this->Await(canceled, 1), StatusHasReason(Reason::kBulkClosed));
}

TYPED_TEST(OrderApprovalStoreContractTest, WhatWasGivenUpStaysSo) {
  const Schedule schedule = this->WaitingSchedule();
  const Bulk bulk = this->WaitingBulk();
  for (OrderApprovalStore* const store : {static_cast<OrderApprovalStore*>(&this->schedules()),
                                          static_cast<OrderApprovalStore*>(&this->bulks())}) {
    const bool first = store == static_cast<OrderApprovalStore*>(&this->schedules());
    const Uuid id = first ? schedule.schedule_id : bulk.bulk_id;
    for (int i = 0; i < 2; ++i) {
      const auto given_up =
          this->Run(store->GiveUpAwaited(this->user_, id, Reason::kApprovalDeclined, kExpiry, {}));
      ASSERT_THAT(given_up, IsOk());
      EXPECT_FALSE(given_up->waiting);
    }
  }
  EXPECT_EQ(this->Kept(schedule).state, ScheduleState::kCanceled);
  EXPECT_EQ(this->Kept(schedule).cancel_reason, "approval_declined");
  EXPECT_EQ(this->Kept(bulk).state, BulkState::kCanceled);
  EXPECT_EQ(this->Kept(bulk).cancel_reason, "approval_declined");
  // A redemption that comes too late changes nothing.
  EXPECT_FALSE(this->Start(this->schedules(), schedule)->waiting);
  EXPECT_FALSE(this->Start(this->bulks(), bulk)->waiting);
  EXPECT_EQ(this->Kept(schedule).state, ScheduleState::kCanceled);
  EXPECT_EQ(this->Kept(bulk).state, BulkState::kCanceled);
}

TYPED_TEST(OrderApprovalStoreContractTest, TheUserCancelsWhatWaits) {
  const Schedule schedule = this->WaitingSchedule();
  EXPECT_THAT(this->Run(this->schedules().ChangeSchedule(this->user_, schedule.schedule_id,
                                                         ScheduleEvent::kCancel, kStart, {})),
              IsOk());
  EXPECT_FALSE(this->Start(this->schedules(), schedule)->waiting);
  EXPECT_EQ(this->Kept(schedule).state, ScheduleState::kCanceled);
  const Bulk bulk = this->WaitingBulk();
  EXPECT_THAT(this->Run(this->bulks().ChangeBulk(this->user_, bulk.bulk_id, BulkEvent::kCancel,
                                                 kStart, {})),
              IsOk());
  EXPECT_FALSE(this->Start(this->bulks(), bulk)->waiting);
  EXPECT_EQ(this->Kept(bulk).state, BulkState::kCanceled);
}

TYPED_TEST(OrderApprovalStoreContractTest, TheWorkerTakesWhatItIsTimeFor) {
  const Schedule schedule = this->WaitingSchedule();
  const Bulk bulk = this->WaitingBulk();
  const auto check = [this](OrderApprovalStore& store, const AskedApproval& asked) {
    const Uuid id = asked.binding.payment_id;
    EXPECT_THAT(this->Run(store.ClaimAwaiting(kStart + kLease, 10)).value(), IsEmpty());
    // About to be redeemed.
    const auto begun = this->Run(store.BeginConfirm(this->user_, id, kStart));
    ASSERT_THAT(begun, IsOk());
    EXPECT_TRUE(begun->waiting);
    EXPECT_EQ(begun->asked.binding, asked.binding);
    const auto claimed = this->Run(store.ClaimAwaiting(kStart + kLease, 10)).value();
    ASSERT_THAT(claimed, SizeIs(1));
    EXPECT_EQ(claimed[0].asked.binding, asked.binding);
    EXPECT_EQ(claimed[0].asked.approval_id, asked.approval_id);
    EXPECT_EQ(claimed[0].asked.user_id, this->user_);
    // Not again before it expires, and then not before a lease is over.
    const absl::Time before = kExpiry - absl::Microseconds(1);
    EXPECT_THAT(this->Run(store.ClaimAwaiting(before, 10)).value(), IsEmpty());
    EXPECT_THAT(this->Run(store.ClaimAwaiting(kExpiry, 10)).value(), SizeIs(1));
    EXPECT_THAT(this->Run(store.ClaimAwaiting(kExpiry, 10)).value(), IsEmpty());
    EXPECT_THAT(this->Run(store.ClaimAwaiting(kExpiry + kLease, 10)).value(), SizeIs(1));
  };
  check(this->schedules(), AskedOf(schedule));
  check(this->bulks(), AskedOf(bulk));
}

TYPED_TEST(OrderApprovalStoreContractTest, AnotherUsersOrderDoesNotExist) {
  const Uuid schedule = this->WaitingSchedule().schedule_id;
  const Uuid bulk = this->WaitingBulk().bulk_id;
  const Uuid stranger = SystemIds().NewId();
  const auto check = [&](OrderApprovalStore& store, const Uuid& id, Reason reason) {
    EXPECT_THAT(this->Run(store.BeginConfirm(stranger, id, kStart)), StatusHasReason(reason));
    EXPECT_THAT(this->Run(store.StartApproved(stranger, id, {}, kStart, {})),
                StatusHasReason(reason));
    EXPECT_THAT(this->Run(store.GiveUpAwaited(stranger, id, Reason::kApprovalExpired, kStart, {})),
                StatusHasReason(reason));
  };
  check(this->schedules(), schedule, Reason::kScheduleNotFound);
  check(this->bulks(), bulk, Reason::kBulkNotFound);
  EXPECT_THAT(this->Run(this->bulks().AwaitApproval(stranger, bulk, Terms(bulk), 3, kStart, {})),
              StatusHasReason(Reason::kBulkNotFound));
}

// Whatever the program does.
class OrderApprovalDatabaseTest : public OrderApprovalStoreContractTest<PgOrderApprovalSubject> {
 protected:
  static bool Refused(const std::string& user, const std::string& statement) {
    pqxx::connection connection(Server().conninfo(user));
    pqxx::work work(connection);
    try {
      work.exec(statement);
      return false;
    } catch (const pqxx::sql_error&) {
      return true;
    }
  }
};

TEST_F(OrderApprovalDatabaseTest, NothingIsPaidUnapprovedAndNothingApprovedChanges) {
  const std::string schedule =
      " WHERE schedule_id = '" + WaitingSchedule().schedule_id.ToString() + "'";
  const std::string bulk_id = WaitingBulk().bulk_id.ToString();
  const std::string bulk = " WHERE bulk_id = '" + bulk_id + "'";
  for (const char* const user : {"payments", "postgres"}) {
    const std::string schedules = "UPDATE payments.schedules SET ";
    EXPECT_TRUE(Refused(user, schedules + "state = 'active'" + schedule));
    EXPECT_TRUE(Refused(user, schedules + "state = 'paused'" + schedule));
    const std::string bulks = "UPDATE payments.bulks SET ";
    EXPECT_TRUE(Refused(user, bulks + "state = 'paying'" + bulk));
    EXPECT_TRUE(Refused(user, bulks + "total_minor = 1" + bulk));
    EXPECT_TRUE(Refused(user, bulks + "content_digest = sha256('')" + bulk));
    EXPECT_TRUE(Refused(user, bulks + "state = 'draft'" + bulk));
    EXPECT_TRUE(Refused(
        user,
        "INSERT INTO payments.bulk_items (bulk_id, number, item_id, destination_account_id, "
        "amount_minor, reference, reserved_id, state) VALUES ('" +
            bulk_id + "', 99, 'x', '" + bulk_id + "', 1, '', '" + bulk_id + "', 'pending')"));
  }
  EXPECT_TRUE(Refused("payments", "UPDATE payments.schedules SET amount_minor = 1" + schedule));
  EXPECT_TRUE(Refused("payments", "UPDATE payments.schedules SET payee_name = 'x'" + schedule));
  EXPECT_TRUE(Refused("payments", "UPDATE payments.bulk_items SET amount_minor = 1" + bulk));
}

// Even for whoever gets at the rows of items.
TEST_F(OrderApprovalDatabaseTest, ABulkWithOtherItemsIsNotTheOneThatWasApproved) {
  const Bulk waiting = WaitingBulk();
  pqxx::connection owner(Server().conninfo("postgres"));
  pqxx::work work(owner);
  work.exec("UPDATE payments.bulk_items SET destination_account_id = '" +
            SystemIds().NewId().ToString() + "' WHERE number = 2 AND bulk_id = '" +
            waiting.bulk_id.ToString() + "'");
  work.commit();
  EXPECT_THAT(Start(bulks(), waiting), StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_EQ(Kept(waiting).state, BulkState::kRequiresAction);
}

}  // namespace
}  // namespace florin::payments
