#include "services/payments/domain/order_approval.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "libs/text/text.h"
#include "services/payments/domain/bulk.h"
#include "services/payments/domain/schedule.h"

namespace florin::payments {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'780'304'400);

TEST(OrderApprovalTest, IdsFollowFromTheOrders) {
  const Uuid id = SystemIds().NewId();
  EXPECT_EQ(OrderApprovalIdOf(IdKind::kBulk, id), OrderApprovalIdOf(IdKind::kBulk, id));
  EXPECT_NE(OrderApprovalIdOf(IdKind::kBulk, id), OrderApprovalIdOf(IdKind::kSchedule, id));
}

TEST(PayeesTextTest, ShowsWhatFits) {
  EXPECT_EQ(PayeesText({"Zoë"}, 1), "Zoë");
  EXPECT_EQ(PayeesText({"Zoë", "Bob"}, 2), "Zoë, Bob");
  EXPECT_EQ(PayeesText({"Zoë", "Bob"}, 12), "Zoë, Bob and 10 more");
  EXPECT_EQ(PayeesText({}, 1), "1 payee");
  EXPECT_EQ(PayeesText({}, 3), "3 payees");
  // What could not be shown is counted.
  EXPECT_EQ(PayeesText({"Bob", "a\nb", "Zoë"}, 3), "Bob and 2 more");
  EXPECT_EQ(PayeesText({std::string(101, 'a')}, 1), "1 payee");
  const std::string text = PayeesText(std::vector<std::string>(100, std::string(50, 'a')), 100);
  EXPECT_EQ(text, std::string(50, 'a') + ", " + std::string(50, 'a') + " and 98 more");
  for (std::size_t length = 1; length <= 101; ++length) {
    const std::vector<std::string> names(100'000, std::string(length, 'a'));
    EXPECT_LE(PayeesText(names, 100'000).size(), 140u) << length;
  }
}

Schedule Waiting() {
  return {.schedule_id = SystemIds().NewId(),
          .state = ScheduleState::kRequiresAction,
          .amount = {.minor_units = 100, .currency = *Currency::Parse("EUR")},
          .rule = {.frequency = Frequency::kMonthly,
                   .day_of_month = 31,
                   .first_day = absl::CivilDay(2026, 1, 31),
                   .minute_of_day = 9 * 60 + 5,
                   .zone_name = "Europe/Berlin"},
          .next_time = kNow,
          .approval = OrderTerms{.payee_name = "Zoë"}};
}

TEST(ScheduleTermsTest, SayWhenItPays) {
  Schedule schedule = Waiting();
  EXPECT_EQ(TermsOf(schedule),
            "Every month on day 31 from 2026-01-31 at 09:05 Europe/Berlin, until canceled");
  schedule.rule.interval = 3;
  schedule.rule.count = 1;
  EXPECT_EQ(TermsOf(schedule),
            "Every 3 months on day 31 from 2026-01-31 at 09:05 Europe/Berlin, 1 time");
  schedule.rule.frequency = Frequency::kWeekly;
  schedule.rule.count = 12;
  EXPECT_EQ(TermsOf(schedule), "Every 3 weeks from 2026-01-31 at 09:05 Europe/Berlin, 12 times");
  schedule.rule.count.reset();
  schedule.rule.last_day = absl::CivilDay(2027, 2, 1);
  schedule.rule.frequency = Frequency::kDaily;
  schedule.rule.interval = 1;
  EXPECT_EQ(TermsOf(schedule),
            "Every day from 2026-01-31 at 09:05 Europe/Berlin, until 2027-02-01");
  schedule.rule.frequency = Frequency::kYearly;
  EXPECT_EQ(TermsOf(schedule),
            "Every year from 2026-01-31 at 09:05 Europe/Berlin, until 2027-02-01");
  schedule.rule.frequency = Frequency::kOnce;
  EXPECT_EQ(TermsOf(schedule), "Once, on 2026-01-31 at 09:05 Europe/Berlin");
  schedule.rule.zone_name = std::string(100, 'Z');
  EXPECT_LE(TermsOf(schedule).size(), 200u);
}

TEST(WaitingScheduleTest, NothingBeginsBeforeItsApproval) {
  Schedule schedule = Waiting();
  EXPECT_TRUE(BeginDue(schedule, kNow).empty());
  for (const ScheduleEvent event : {ScheduleEvent::kPause, ScheduleEvent::kResume}) {
    EXPECT_THAT(Apply(schedule, event, kNow), StatusHasReason(Reason::kApprovalPending));
  }
  EXPECT_EQ(schedule.state, ScheduleState::kRequiresAction);
  Start(schedule, "binding", kNow);
  EXPECT_EQ(schedule.state, ScheduleState::kActive);
  EXPECT_EQ(schedule.approval->approved_binding, "binding");
  EXPECT_EQ(schedule.update_time, kNow);
  EXPECT_FALSE(BeginDue(schedule, kNow).empty());
}

TEST(WaitingScheduleTest, IsCanceledByItsUserOrForAReason) {
  Schedule schedule = Waiting();
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kCancel, kNow), IsOk());
  EXPECT_EQ(schedule.state, ScheduleState::kCanceled);
  EXPECT_EQ(schedule.cancel_reason, "");
  EXPECT_FALSE(schedule.next_time);
  schedule = Waiting();
  GiveUp(schedule, Reason::kApprovalDeclined, kNow);
  EXPECT_EQ(schedule.state, ScheduleState::kCanceled);
  EXPECT_EQ(schedule.cancel_reason, "approval_declined");
  EXPECT_FALSE(schedule.next_time);
}

TEST(WaitingBulkTest, GoesOnAsItsModeSays) {
  for (const BulkMode mode : {BulkMode::kBestEffort, BulkMode::kAllOrNothing}) {
    Bulk bulk{.mode = mode, .currency = *Currency::Parse("EUR"), .item_count = 1, .total_minor = 5};
    AwaitApproval(bulk, OrderTerms{}, "content", kNow);
    EXPECT_EQ(bulk.state, BulkState::kRequiresAction);
    EXPECT_FALSE(IsWorkedOn(bulk.state));
    // Submitting again changes nothing, and no item comes after it.
    EXPECT_THAT(Apply(bulk, BulkEvent::kSubmit, kNow), IsOk());
    EXPECT_EQ(bulk.state, BulkState::kRequiresAction);
    EXPECT_THAT(Count(bulk, {BulkItem{.amount_minor = 1}}), StatusHasReason(Reason::kBulkClosed));
    Bulk canceled = bulk;
    EXPECT_THAT(Apply(canceled, BulkEvent::kCancel, kNow), IsOk());
    EXPECT_EQ(canceled.state, BulkState::kCanceled);
    Bulk given_up = bulk;
    GiveUp(given_up, Reason::kApprovalExpired, kNow);
    EXPECT_EQ(given_up.state, BulkState::kCanceled);
    EXPECT_EQ(given_up.cancel_reason, "approval_expired");
    Start(bulk, "binding", kNow);
    EXPECT_EQ(bulk.state, mode == BulkMode::kBestEffort ? BulkState::kPaying : BulkState::kHolding);
    EXPECT_EQ(bulk.approval->approved_binding, "binding");
  }
}

TEST(BulkContentTest, EveryFieldOfAnItemCounts) {
  const BulkItem item{.item_id = "a",
                      .destination_account_id = SystemIds().NewId(),
                      .amount_minor = 12,
                      .reference = "r"};
  void (*const changes[])(BulkItem&) = {
      [](BulkItem& i) { i.item_id = "b"; },
      [](BulkItem& i) { i.destination_account_id = SystemIds().NewId(); },
      [](BulkItem& i) { i.amount_minor = 13; },
      [](BulkItem& i) { i.reference = ""; },
  };
  for (const auto& change : changes) {
    BulkItem other = item;
    change(other);
    EXPECT_NE(CanonicalItem(other), CanonicalItem(item));
  }
  EXPECT_EQ(TermsOf(1, "ab"), "1 payment, list ab");
  EXPECT_EQ(TermsOf(2, "ab"), "2 payments, list ab");
}

}  // namespace
}  // namespace florin::payments
