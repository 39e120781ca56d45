#include "services/payments/flow/schedule_worker.h"

#include "services/payments/flow/create_schedule.h"
#include "services/payments/flow/payments_fixture.h"
#include "services/payments/store/fake_schedule_store.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MATCHER_P(IsOkAndHolds, expected, "") {
  *result_listener << arg.status();
  return arg.ok() && *arg == expected;
}

class ScheduleWorkerTest : public PaymentsFixture {
 protected:
  // The coroutines of the fixture's runtime use what is here.
  ~ScheduleWorkerTest() override { runtime_.Stop(); }

  // Daily from today on, a minute from now.
  Schedule Daily(std::int64_t minor_units, const Uuid& destination) {
    const absl::CivilMinute due =
        absl::ToCivilMinute(clock_.Now() + absl::Minutes(1), absl::UTCTimeZone());
    return {.user_id = user_,
            .source_account_id = a_,
            .destination_account_id = destination,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
            .reference = "Savings",
            .rule = {.frequency = Frequency::kDaily,
                     .first_day = absl::CivilDay(due),
                     .minute_of_day = due.hour() * 60 + due.minute(),
                     .zone_name = "UTC",
                     .zone = absl::UTCTimeZone()}};
  }
  absl::StatusOr<CreateSchedule::Outcome> Make(CreateSchedule& create, const Schedule& schedule,
                                               const std::string& key = "key") {
    rpc::Outgoing context;
    return runtime_.Run(create.Run(context, schedule, key));
  }
  Schedule Make(const Schedule& schedule) {
    auto made = Make(create_schedule_, schedule, SystemIds().NewId().ToString());
    EXPECT_THAT(made, IsOk());
    return made->schedule;
  }
  absl::StatusOr<int> Work() { return runtime_.Run(worker_.RunOnce()); }
  std::vector<Occurrence> Occurrences(const Schedule& schedule) {
    return runtime_.Run(schedules_.ListOccurrences(user_, schedule.schedule_id, {}, 100)).value();
  }

  FakeScheduleStore schedules_;
  ConfirmOrder confirm_order_{schedules_, approvals_, clock_};
  CreateSchedule create_schedule_{schedules_, directory_, clock_, SystemIds(), {}, confirm_order_};
  ScheduleWorker worker_{schedules_, create_, clock_};
};

TEST_F(ScheduleWorkerTest, PaysWhenItIsDueAndOnceEach) {
  const Schedule schedule = Make(Daily(100, b_));
  EXPECT_THAT(Work(), IsOkAndHolds(0));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Work(), IsOkAndHolds(1));
  EXPECT_THAT(Work(), IsOkAndHolds(0));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 100);
  clock_.Advance(absl::Hours(48));
  EXPECT_THAT(Work(), IsOkAndHolds(2));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 300);
  const std::vector<Occurrence> occurrences = Occurrences(schedule);
  ASSERT_THAT(occurrences, SizeIs(3));
  const std::vector<Payment> payments = Payments();
  ASSERT_THAT(payments, SizeIs(3));
  EXPECT_EQ(occurrences[0].state, OccurrenceState::kSucceeded);
  EXPECT_EQ(occurrences[0].payment_id, payments[0].payment_id);
  EXPECT_EQ(payments[0].reference, "Savings");
}

TEST_F(ScheduleWorkerTest, ALongPastIsCaughtUpInOneRound) {
  Make(Daily(1, b_));
  clock_.Advance(absl::Hours(24 * 130));
  EXPECT_THAT(Work(), IsOkAndHolds(130));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 130);
}

TEST_F(ScheduleWorkerTest, ARefusalIsFinalForItsOccurrence) {
  const Schedule schedule = Make(Daily(1001, b_));
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Work(), IsOkAndHolds(1));
  ledger_double_.Fund(a_, 5000);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Work(), IsOkAndHolds(0));
  const std::vector<Occurrence> occurrences = Occurrences(schedule);
  ASSERT_THAT(occurrences, SizeIs(1));
  EXPECT_EQ(occurrences[0].state, OccurrenceState::kFailed);
  EXPECT_EQ(occurrences[0].failure_reason, "insufficient_funds");
  EXPECT_FALSE(occurrences[0].payment_id.is_nil());
  // The next one has its own chance.
  clock_.Advance(absl::Hours(23));
  EXPECT_THAT(Work(), IsOkAndHolds(1));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 1001);
}

TEST_F(ScheduleWorkerTest, WhatIsRefusedBeforeAnIntentHasAReasonAndNoPayment) {
  Schedule schedule = Daily(10, b_);
  // An account that was there when the schedule was made.
  schedule.destination_account_id = SystemIds().NewId();
  schedule.schedule_id = SystemIds().NewId();
  schedule.next_time = OccurrenceTime(schedule.rule, 1);
  ScheduleIntent intent{.schedule = schedule, .idempotency_key = "key", .fingerprint = {}};
  ASSERT_THAT(runtime_.Run(schedules_.InsertSchedule(intent)), IsOk());
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Work(), IsOkAndHolds(1));
  const std::vector<Occurrence> occurrences = Occurrences(schedule);
  ASSERT_THAT(occurrences, SizeIs(1));
  EXPECT_EQ(occurrences[0].failure_reason, "account_not_found");
  EXPECT_TRUE(occurrences[0].payment_id.is_nil());
}

TEST_F(ScheduleWorkerTest, ACrashAtAnyPointPaysOnce) {
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost}) {
    const std::int64_t before = ledger_double_.BalanceOf(b_);
    const Schedule schedule = Make(Daily(100, b_));
    clock_.Advance(absl::Minutes(1));
    // The ledger is gone, or its answer is.
    ledger_double_.SetFault(fault);
    EXPECT_THAT(Work(), IsOkAndHolds(0));
    ledger_double_.SetFault(Fault::kNone);
    // The payment's end cannot be recorded, then the occurrence's.
    store_.FailRecords(true);
    clock_.Advance(kOccurrenceLease);
    EXPECT_THAT(Work(), IsOkAndHolds(0));
    store_.FailRecords(false);
    schedules_.FailRecords(true);
    clock_.Advance(kOccurrenceLease);
    EXPECT_THAT(Work(), StatusHasReason(Reason::kUnavailable));
    schedules_.FailRecords(false);
    EXPECT_EQ(Occurrences(schedule)[0].state, OccurrenceState::kPending);
    // Not before its lease is over.
    EXPECT_THAT(Work(), IsOkAndHolds(0));
    clock_.Advance(kOccurrenceLease);
    EXPECT_THAT(Work(), IsOkAndHolds(1));
    EXPECT_EQ(Occurrences(schedule)[0].state, OccurrenceState::kSucceeded);
    EXPECT_EQ(ledger_double_.BalanceOf(b_), before + 100);
    ASSERT_THAT(runtime_.Run(schedules_.ChangeSchedule(user_, schedule.schedule_id,
                                                       ScheduleEvent::kCancel, clock_.Now(), {})),
                IsOk());
  }
}

TEST_F(ScheduleWorkerTest, AScheduleIsCheckedAsItsPayments) {
  Schedule schedule = Daily(10, b_);
  schedule.source_account_id = c_;
  EXPECT_THAT(Make(create_schedule_, schedule), StatusHasReason(Reason::kAccountNotFound));
  schedule = Daily(10, SystemIds().NewId());
  EXPECT_THAT(Make(create_schedule_, schedule), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(Make(create_schedule_, Daily(10, a_)), StatusHasReason(Reason::kSameAccount));
  EXPECT_THAT(Make(create_schedule_, Daily(10, d_)), StatusHasReason(Reason::kCurrencyMismatch));
  schedule = Daily(10, b_);
  schedule.reference = "\n";
  EXPECT_THAT(Make(create_schedule_, schedule), StatusHasReason(Reason::kInvalidReference));
  schedule = Daily(10, b_);
  schedule.rule.interval = 0;
  EXPECT_THAT(Make(create_schedule_, schedule), StatusHasReason(Reason::kInvalidSchedule));
  EXPECT_THAT(runtime_.Run(schedules_.ListSchedules(user_, {}, 10)).value(), IsEmpty());
}

TEST_F(ScheduleWorkerTest, ARetryGivesTheScheduleAndAKeyStandsForOne) {
  const auto made = Make(create_schedule_, Daily(10, b_));
  const auto again = Make(create_schedule_, Daily(10, b_));
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->schedule, made->schedule);
  EXPECT_THAT(Make(create_schedule_, Daily(11, b_)),
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

// The policy may have changed since.
TEST_F(ScheduleWorkerTest, AnOccurrenceIsJudgedAsAnyPayment) {
  ScheduleWorker worker(schedules_, judging_create_, clock_);
  const Schedule schedule = Make(Daily(900, c_));
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(runtime_.Run(worker.RunOnce()), IsOkAndHolds(1));
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
  EXPECT_EQ(Occurrences(schedule)[0].state, OccurrenceState::kRequiresAction);
  EXPECT_EQ(Payments()[0].state, State::kRequiresAction);
}

}  // namespace
}  // namespace florin::payments
