// What every ScheduleStore promises, held against PostgreSQL and the fake.
#include <future>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_schedule_store.h"
#include "services/payments/store/pg_schedule_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// 2026-06-01T09:00:00Z
const absl::Time kFirst = absl::FromUnixSeconds(1'780'304'400);

MATCHER_P(IsOkAndHolds, expected, "") {
  *result_listener << arg.status();
  return arg.ok() && *arg == expected;
}

class FakeScheduleSubject {
 public:
  ScheduleStore& store() { return store_; }

 private:
  FakeScheduleStore store_;
};

std::vector<pg::Statement> ScheduleStatements() {
  std::vector<pg::Statement> all = PgScheduleStore::Statements();
  for (auto& more : audit::InsertStatements()) all.push_back(std::move(more));
  return all;
}

class PgScheduleSubject {
 public:
  PgScheduleSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = ScheduleStatements(),
               .settings = pg::KeyedAccessSettings()}) {
    // Other tests' schedules are due, too.
    pqxx::connection owner(Server().conninfo("postgres"));
    pqxx::work work(owner);
    work.exec("TRUNCATE payments.schedule_occurrences, payments.schedules");
    work.commit();
  }
  ScheduleStore& store() { return store_; }

 private:
  pg::Pool pool_;
  PgScheduleStore store_{pool_};
};

template <class S>
class ScheduleStoreContractTest : public ::testing::Test {
 protected:
  ~ScheduleStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  ScheduleStore& store() { return subject_.store(); }

  // Monthly on the last day of the month in Berlin, at most twelve times, unless changed.
  Schedule NewSchedule() {
    Schedule schedule{.schedule_id = SystemIds().NewId(),
                      .user_id = user_,
                      .source_account_id = SystemIds().NewId(),
                      .destination_account_id = SystemIds().NewId(),
                      .amount = {.minor_units = 1234, .currency = kEur},
                      .reference = "Rent, \"flat\" {3}",
                      .rule = {.frequency = Frequency::kMonthly,
                               .interval = 2,
                               .day_of_month = 31,
                               .first_day = absl::CivilDay(2026, 5, 31),
                               .minute_of_day = 61,
                               .zone_name = "Europe/Berlin",
                               .count = 12},
                      .catch_up = CatchUp::kLatestOnly,
                      .create_time = kFirst - absl::Hours(100),
                      .update_time = kFirst - absl::Hours(100)};
    EXPECT_TRUE(absl::LoadTimeZone(schedule.rule.zone_name, &schedule.rule.zone));
    schedule.next_time = OccurrenceTime(schedule.rule, 1);
    return schedule;
  }
  Schedule NewDaily(std::optional<int> count = {}) {
    Schedule schedule = NewSchedule();
    schedule.rule = {.frequency = Frequency::kDaily,
                     .first_day = absl::CivilDay(2026, 6, 1),
                     .minute_of_day = 540,
                     .zone_name = "UTC",
                     .zone = absl::UTCTimeZone(),
                     .count = count};
    schedule.catch_up = CatchUp::kAll;
    schedule.next_time = OccurrenceTime(schedule.rule, 1);
    return schedule;
  }
  static ScheduleIntent IntentOf(Schedule schedule, std::string key = "") {
    if (key.empty()) key = SystemIds().NewId().ToString();
    const crypto::Digest fingerprint = crypto::Sha256(CanonicalSchedule(schedule));
    return {.schedule = std::move(schedule),
            .idempotency_key = std::move(key),
            .fingerprint = fingerprint};
  }
  Schedule Insert(Schedule schedule) {
    EXPECT_THAT(Run(store().InsertSchedule(IntentOf(schedule))), IsOk());
    return schedule;
  }
  std::vector<Occurrence> Occurrences(const Schedule& schedule, std::optional<int> before = {},
                                      int limit = 100) {
    return Run(store().ListOccurrences(user_, schedule.schedule_id, before, limit)).value();
  }
  static std::string NumbersOf(const std::vector<Occurrence>& occurrences) {
    std::string text;
    for (const Occurrence& one : occurrences) {
      text += std::to_string(one.number) + " " + std::string(NameOf(one.state)) + ", ";
    }
    return text;
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using ScheduleSubjects = ::testing::Types<FakeScheduleSubject, PgScheduleSubject>;
TYPED_TEST_SUITE(ScheduleStoreContractTest, ScheduleSubjects);

TYPED_TEST(ScheduleStoreContractTest, GivesWhatWasKept) {
  const Schedule monthly = this->Insert(this->NewSchedule());
  EXPECT_THAT(this->Run(this->store().GetSchedule(this->user_, monthly.schedule_id)),
              IsOkAndHolds(monthly));
  Schedule yearly = this->NewDaily();
  yearly.rule.frequency = Frequency::kYearly;
  yearly.rule.last_day = absl::CivilDay(2031, 2, 3);
  yearly.catch_up = CatchUp::kSkip;
  this->Insert(yearly);
  EXPECT_THAT(this->Run(this->store().GetSchedule(this->user_, yearly.schedule_id)),
              IsOkAndHolds(yearly));
}

TYPED_TEST(ScheduleStoreContractTest, AScheduleIsItsUsersOnly) {
  const Schedule schedule = this->Insert(this->NewSchedule());
  const Uuid stranger = SystemIds().NewId();
  const auto missing = StatusHasReason(Reason::kScheduleNotFound);
  EXPECT_THAT(this->Run(this->store().GetSchedule(stranger, schedule.schedule_id)), missing);
  EXPECT_THAT(this->Run(this->store().ListOccurrences(stranger, schedule.schedule_id, {}, 10)),
              missing);
  EXPECT_THAT(this->Run(this->store().ChangeSchedule(stranger, schedule.schedule_id,
                                                     ScheduleEvent::kCancel, kFirst, {})),
              missing);
  EXPECT_THAT(this->Run(this->store().ListSchedules(stranger, {}, 10)).value(), IsEmpty());
}

TYPED_TEST(ScheduleStoreContractTest, AKeyStandsForOneSchedule) {
  const Schedule first = this->NewSchedule();
  EXPECT_TRUE(this->Run(this->store().InsertSchedule(this->IntentOf(first, "key")))->same_request);
  Schedule again = first;
  again.schedule_id = SystemIds().NewId();
  auto known = this->Run(this->store().InsertSchedule(this->IntentOf(again, "key")));
  EXPECT_EQ(known->schedule, first);
  EXPECT_TRUE(known->same_request);
  again.amount.minor_units += 1;
  known = this->Run(this->store().InsertSchedule(this->IntentOf(again, "key")));
  EXPECT_EQ(known->schedule, first);
  EXPECT_FALSE(known->same_request);
}

TYPED_TEST(ScheduleStoreContractTest, ListsTheNewestFirst) {
  std::vector<Schedule> made;
  for (int i = 0; i < 3; ++i) made.push_back(this->Insert(this->NewSchedule()));
  EXPECT_THAT(this->Run(this->store().ListSchedules(this->user_, {}, 2)).value(),
              ElementsAre(made[2], made[1]));
  EXPECT_THAT(this->Run(this->store().ListSchedules(this->user_, made[1].schedule_id, 2)).value(),
              ElementsAre(made[0]));
}

TYPED_TEST(ScheduleStoreContractTest, WhatIsDueBeginsOnce) {
  const Schedule schedule = this->Insert(this->NewDaily(3));
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst - absl::Seconds(1), 10)),
              IsOkAndHolds(0));
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst + absl::Hours(24), 10)),
              IsOkAndHolds(1));
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst + absl::Hours(24), 10)),
              IsOkAndHolds(0));
  EXPECT_EQ(this->NumbersOf(this->Occurrences(schedule)), "2 pending, 1 pending, ");
  EXPECT_EQ(this->NumbersOf(this->Occurrences(schedule, 2)), "1 pending, ");
  EXPECT_EQ(this->NumbersOf(this->Occurrences(schedule, {}, 1)), "2 pending, ");
  const auto kept = this->Run(this->store().GetSchedule(this->user_, schedule.schedule_id));
  EXPECT_EQ(kept->next_number, 3);
  EXPECT_EQ(kept->next_time, kFirst + absl::Hours(48));
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst + absl::Hours(48), 10)),
              IsOkAndHolds(1));
  const auto ended = this->Run(this->store().GetSchedule(this->user_, schedule.schedule_id));
  EXPECT_EQ(ended->state, ScheduleState::kEnded);
  EXPECT_EQ(ended->next_time, std::nullopt);
}

TYPED_TEST(ScheduleStoreContractTest, ReplicasThatBeginAtOnceBeginEachOnce) {
  std::vector<Schedule> made;
  for (int i = 0; i < 20; ++i) made.push_back(this->Insert(this->NewDaily()));
  std::vector<std::future<absl::StatusOr<int>>> begun;
  for (int i = 0; i < 4; ++i) {
    begun.push_back(asio::co_spawn(this->runtime_.executor(),
                                   this->store().BeginOccurrences(kFirst, 20), asio::use_future));
  }
  int sum = 0;
  for (auto& one : begun) sum += one.get().value();
  EXPECT_LE(sum, 20);
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst, 20)), IsOkAndHolds(20 - sum));
  for (const Schedule& schedule : made) {
    EXPECT_EQ(this->NumbersOf(this->Occurrences(schedule)), "1 pending, ");
  }
}

TYPED_TEST(ScheduleStoreContractTest, NothingBeginsAfterAPauseOrAnEnd) {
  const Schedule schedule = this->Insert(this->NewDaily());
  const auto change = [&](ScheduleEvent event, absl::Time now) {
    return this->Run(
        this->store().ChangeSchedule(this->user_, schedule.schedule_id, event, now, {}));
  };
  EXPECT_EQ(change(ScheduleEvent::kPause, kFirst)->state, ScheduleState::kPaused);
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst, 10)), IsOkAndHolds(0));
  const auto resumed = change(ScheduleEvent::kResume, kFirst + absl::Hours(1));
  EXPECT_EQ(resumed->state, ScheduleState::kActive);
  EXPECT_EQ(resumed->next_number, 2);
  const auto canceled = change(ScheduleEvent::kCancel, kFirst + absl::Hours(2));
  EXPECT_EQ(canceled->state, ScheduleState::kCanceled);
  EXPECT_EQ(canceled->update_time, kFirst + absl::Hours(2));
  EXPECT_THAT(change(ScheduleEvent::kCancel, kFirst + absl::Hours(3)), IsOkAndHolds(*canceled));
  EXPECT_THAT(change(ScheduleEvent::kPause, kFirst), StatusHasReason(Reason::kScheduleEnded));
  EXPECT_THAT(this->Run(this->store().BeginOccurrences(kFirst + absl::Hours(99), 10)),
              IsOkAndHolds(0));
}

TYPED_TEST(ScheduleStoreContractTest, AnOccurrenceIsTakenByOneUntilItsLeaseIsOver) {
  const Schedule schedule = this->Insert(this->NewDaily());
  ASSERT_THAT(this->Run(this->store().BeginOccurrences(kFirst, 10)), IsOkAndHolds(1));
  const auto claimed = this->Run(this->store().ClaimOccurrences(kFirst, 10));
  ASSERT_THAT(*claimed, SizeIs(1));
  EXPECT_EQ((*claimed)[0].occurrence, this->Occurrences(schedule)[0]);
  EXPECT_EQ(PaymentOf((*claimed)[0].schedule), PaymentOf(schedule));
  EXPECT_THAT(*this->Run(this->store().ClaimOccurrences(kFirst, 10)), IsEmpty());
  const absl::Time later = kFirst + kOccurrenceLease;
  EXPECT_THAT(*this->Run(this->store().ClaimOccurrences(later - absl::Microseconds(1), 10)),
              IsEmpty());
  EXPECT_THAT(*this->Run(this->store().ClaimOccurrences(later, 10)), SizeIs(1));
}

TYPED_TEST(ScheduleStoreContractTest, TheFirstResultStays) {
  const Schedule schedule = this->Insert(this->NewDaily());
  ASSERT_THAT(this->Run(this->store().BeginOccurrences(kFirst + absl::Hours(48), 10)), IsOk());
  Occurrence refused = this->Occurrences(schedule)[0];
  refused.state = OccurrenceState::kFailed;
  refused.failure_reason = "account_not_found";
  EXPECT_THAT(this->Run(this->store().RecordOccurrence(refused)), IsOk());
  Occurrence paid = this->Occurrences(schedule)[1];
  paid.state = OccurrenceState::kSucceeded;
  paid.payment_id = SystemIds().NewId();
  EXPECT_THAT(this->Run(this->store().RecordOccurrence(paid)), IsOk());
  Occurrence other = paid;
  other.payment_id = SystemIds().NewId();
  EXPECT_THAT(this->Run(this->store().RecordOccurrence(other)), IsOk());
  const std::vector<Occurrence> kept = this->Occurrences(schedule);
  ASSERT_THAT(kept, SizeIs(3));
  EXPECT_EQ(kept[0], refused);
  EXPECT_EQ(kept[1], paid);
  EXPECT_THAT(*this->Run(this->store().ClaimOccurrences(kFirst + absl::Hours(99), 10)), SizeIs(1));
}

TEST(ScheduleTables, KeepTheirPromisesWhateverTheProgramDoes) {
  pqxx::connection connection(Server().conninfo("postgres"));
  {
    pqxx::work work(connection);
    work.exec("TRUNCATE payments.schedule_occurrences, payments.schedules");
    work.exec(
        "INSERT INTO payments.schedules VALUES (gen_random_uuid(), gen_random_uuid(), 'k', "
        "sha256(''), 'canceled', gen_random_uuid(), gen_random_uuid(), 'EUR', 1, '', 'daily', 1, "
        "0, '2026-01-01', 0, 'UTC', NULL, NULL, 'all', 7, NULL, now(), now())");
    work.exec(
        "INSERT INTO payments.schedule_occurrences SELECT schedule_id, 1, user_id, now(), "
        "'succeeded', gen_random_uuid(), '', now() FROM payments.schedules");
    work.commit();
  }
  for (const char* statement :
       {"UPDATE payments.schedules SET state = 'active', next_time = now()",
        "UPDATE payments.schedules SET next_number = 6",
        "UPDATE payments.schedule_occurrences SET state = 'pending', payment_id = NULL",
        "UPDATE payments.schedule_occurrences SET payment_id = gen_random_uuid()",
        "INSERT INTO payments.schedule_occurrences SELECT schedule_id, 2, user_id, now(), "
        "'succeeded', payment_id, '', now() FROM payments.schedule_occurrences"}) {
    pqxx::work work(connection);
    EXPECT_THROW(work.exec(statement), pqxx::sql_error) << statement;
  }
}

}  // namespace
}  // namespace florin::payments
