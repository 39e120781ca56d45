// Schedules and bulks that their payer must approve: once for all of their payments, and for
// nothing else, whatever crashes.
#include "services/payments/flow/confirm_order.h"

#include "services/payments/flow/bulk_orders.h"
#include "services/payments/flow/bulk_worker.h"
#include "services/payments/flow/create_schedule.h"
#include "services/payments/flow/payments_fixture.h"
#include "services/payments/flow/schedule_worker.h"
#include "services/payments/store/fake_bulk_store.h"
#include "services/payments/store/fake_schedule_store.h"

namespace florin::payments {
namespace {

using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Asking = auth::v1::Approval;

class ConfirmOrderTest : public PaymentsFixture {
 protected:
  // The coroutines of the fixture's runtime use what is here.
  ~ConfirmOrderTest() override { runtime_.Stop(); }

  // Daily from now on.
  Schedule Daily(std::int64_t minor_units, const Uuid& destination) {
    const absl::CivilMinute due = absl::ToCivilMinute(clock_.Now(), absl::UTCTimeZone());
    return {.user_id = user_,
            .source_account_id = a_,
            .destination_account_id = destination,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
            .rule = {.frequency = Frequency::kDaily,
                     .first_day = absl::CivilDay(due),
                     .minute_of_day = due.hour() * 60 + due.minute(),
                     .zone_name = "UTC",
                     .zone = absl::UTCTimeZone()}};
  }
  absl::StatusOr<CreateSchedule::Outcome> Make(const Schedule& schedule,
                                               const std::string& key = "key") {
    rpc::Outgoing context;
    return runtime_.Run(create_schedule_.Run(context, schedule, key));
  }
  Schedule Waiting() {
    const auto made = Make(Daily(900, c_), SystemIds().NewId().ToString());
    EXPECT_THAT(made, IsOk());
    EXPECT_EQ(made->schedule.state, ScheduleState::kRequiresAction);
    return made->schedule;
  }
  Schedule Kept(const Schedule& schedule) {
    return runtime_.Run(schedules_.GetSchedule(user_, schedule.schedule_id)).value();
  }
  Bulk Kept(const Bulk& bulk) { return runtime_.Run(bulks_.GetBulk(user_, bulk.bulk_id)).value(); }
  Bulk Draft(BulkMode mode, std::vector<BulkItem> items) {
    rpc::Outgoing context;
    auto made =
        runtime_.Run(orders_.Create(context, user_, a_, mode, SystemIds().NewId().ToString()));
    EXPECT_THAT(made, IsOk());
    EXPECT_THAT(runtime_.Run(orders_.Add(user_, made->bulk.bulk_id, std::move(items))), IsOk());
    return made->bulk;
  }
  static BulkItem Item(const std::string& id, const Uuid& destination, std::int64_t minor_units) {
    return {.item_id = id, .destination_account_id = destination, .amount_minor = minor_units};
  }
  absl::StatusOr<Bulk> Submit(const Bulk& bulk) {
    rpc::Outgoing context;
    return runtime_.Run(orders_.Submit(context, user_, bulk.bulk_id, {.caller = "gateway"}));
  }
  template <class Order>
  void Decide(const Order& order, Asking::State state) {
    approvals_double_.SetState(FormatId(IdKind::kApproval, order.approval->approval_id), state);
  }
  template <class Order>
  auth::v1::Approval Asked(const Order& order) {
    return approvals_double_.Get(FormatId(IdKind::kApproval, order.approval->approval_id));
  }
  absl::Status Confirm(const Schedule& schedule) {
    rpc::Outgoing context;
    return runtime_.Run(
        confirm_schedule_.Run(context, user_, schedule.schedule_id, {.caller = "gateway"}));
  }
  absl::Status Confirm(const Bulk& bulk) {
    rpc::Outgoing context;
    return runtime_.Run(confirm_bulk_.Run(context, user_, bulk.bulk_id, {.caller = "gateway"}));
  }
  // A round of the workers, with the policy.
  void Work() {
    EXPECT_THAT(runtime_.Run(confirm_schedule_.RunOnce()), IsOk());
    EXPECT_THAT(runtime_.Run(schedule_worker_.RunOnce()), IsOk());
    EXPECT_THAT(runtime_.Run(confirm_bulk_.RunOnce()), IsOk());
    EXPECT_THAT(runtime_.Run(bulk_worker_.RunOnce()), IsOk());
  }
  void ExpectNothingPaid() {
    Work();
    EXPECT_THAT(Payments(), IsEmpty());
    EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
  }

  const ApprovalPolicy policy_{.enabled = true, .low_value = {}};
  FakeScheduleStore schedules_;
  FakeBulkStore bulks_{store_};
  ConfirmOrder confirm_schedule_{schedules_, approvals_, clock_};
  ConfirmOrder confirm_bulk_{bulks_, approvals_, clock_};
  CreateSchedule create_schedule_{schedules_,  directory_, clock_,
                                  SystemIds(), policy_,    confirm_schedule_};
  BulkOrders orders_{bulks_, directory_, clock_, SystemIds(), policy_, confirm_bulk_};
  ScheduleWorker schedule_worker_{schedules_, judging_create_, clock_};
  BulkWorker bulk_worker_{runtime_.executor(),
                          bulks_,
                          {judging_create_, directory_, settlement_, chart_, *pricing_, policy_},
                          clock_};
};

TEST_F(ConfirmOrderTest, AScheduleIsApprovedOnceForAllOfItsPayments) {
  const Schedule schedule = Waiting();
  const auth::v1::Approval asked = Asked(schedule);
  EXPECT_EQ(asked.kind(), Asking::SCHEDULE);
  EXPECT_EQ(asked.schedule_id(), FormatId(IdKind::kSchedule, schedule.schedule_id));
  EXPECT_EQ(asked.amount().minor_units(), 900);
  EXPECT_EQ(asked.payee_account_id(), FormatId(IdKind::kAccount, c_));
  EXPECT_EQ(asked.terms(), TermsOf(schedule));
  EXPECT_NE(asked.payee_name(), "");
  EXPECT_THAT(Confirm(schedule), StatusHasReason(Reason::kApprovalPending));
  ExpectNothingPaid();
  Decide(schedule, Asking::APPROVED);
  // Approved is not confirmed yet.
  ExpectNothingPaid();
  EXPECT_THAT(Confirm(schedule), IsOk());
  EXPECT_THAT(Confirm(schedule), IsOk());
  EXPECT_EQ(approvals_double_.redemptions(), 1);
  Work();
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 900);
  ledger_double_.Fund(a_, 5000);
  clock_.Advance(absl::Hours(48));
  Work();
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 2700);
  EXPECT_THAT(Payments(), Each(Field(&Payment::state, payments::State::kSucceeded)));
  EXPECT_EQ(approvals_double_.redemptions(), 1);
}

TEST_F(ConfirmOrderTest, OneToOneselfNeedsNoApproval) {
  const auto made = Make(Daily(900, b_));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->schedule.state, ScheduleState::kActive);
  const Bulk bulk = Draft(BulkMode::kBestEffort, {Item("own", b_, 1)});
  EXPECT_EQ(Submit(bulk)->state, BulkState::kPaying);
}

TEST_F(ConfirmOrderTest, ARetryAsksAgainForTheSame) {
  approvals_double_.SetAvailable(false);
  EXPECT_THAT(Make(Daily(900, c_)), StatusHasReason(Reason::kUnavailable));
  approvals_double_.SetAvailable(true);
  const auto made = Make(Daily(900, c_));
  ASSERT_THAT(made, IsOk());
  EXPECT_TRUE(made->replayed);
  EXPECT_EQ(Asked(made->schedule).state(), Asking::PENDING);
  EXPECT_THAT(Make(Daily(901, c_)), StatusHasReason(Reason::kIdempotencyKeyReused));

  const Bulk bulk = Draft(BulkMode::kBestEffort, {Item("a", c_, 1)});
  approvals_double_.SetAvailable(false);
  EXPECT_THAT(Submit(bulk), StatusHasReason(Reason::kUnavailable));
  approvals_double_.SetAvailable(true);
  const auto submitted = Submit(bulk);
  ASSERT_THAT(submitted, IsOk());
  EXPECT_EQ(Submit(bulk).value(), *submitted);
  EXPECT_EQ(Asked(*submitted).state(), Asking::PENDING);
}

// A crash before the question: whoever confirms asks it.
TEST_F(ConfirmOrderTest, AnApprovalThatAuthWasNeverAskedForIsAskedFor) {
  approvals_double_.SetAvailable(false);
  EXPECT_THAT(Make(Daily(900, c_)), StatusHasReason(Reason::kUnavailable));
  approvals_double_.SetAvailable(true);
  const auto all = runtime_.Run(schedules_.ListSchedules(user_, {}, 10)).value();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(Confirm(all[0]), StatusHasReason(Reason::kApprovalPending));
  Decide(all[0], Asking::APPROVED);
  EXPECT_THAT(Confirm(all[0]), IsOk());
  EXPECT_EQ(Kept(all[0]).state, ScheduleState::kActive);
}

TEST_F(ConfirmOrderTest, WhatIsDeclinedIsCanceledWithTheReason) {
  const Schedule schedule = Waiting();
  Decide(schedule, Asking::DECLINED);
  EXPECT_THAT(Confirm(schedule), IsOk());
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kCanceled);
  EXPECT_EQ(Kept(schedule).cancel_reason, "approval_declined");
  const Bulk bulk = Submit(Draft(BulkMode::kAllOrNothing, {Item("a", c_, 1)})).value();
  Decide(bulk, Asking::DECLINED);
  EXPECT_THAT(Confirm(bulk), IsOk());
  EXPECT_EQ(Kept(bulk).state, BulkState::kCanceled);
  EXPECT_EQ(Kept(bulk).cancel_reason, "approval_declined");
  ExpectNothingPaid();
}

TEST_F(ConfirmOrderTest, WhatIsNeverApprovedIsCanceledByTheWorker) {
  const Schedule schedule = Waiting();
  const Bulk bulk = Submit(Draft(BulkMode::kBestEffort, {Item("a", c_, 1)})).value();
  Decide(bulk, Asking::APPROVED);  // But never confirmed.
  Work();
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kRequiresAction);
  clock_.Advance(absl::Minutes(5));
  Work();
  EXPECT_EQ(Kept(schedule).cancel_reason, "approval_expired");
  EXPECT_EQ(Kept(bulk).cancel_reason, "approval_expired");
  ExpectNothingPaid();
}

TEST_F(ConfirmOrderTest, ACrashAfterTheRedemptionIsMadeUpFor) {
  const Schedule schedule = Waiting();
  const Bulk bulk = Submit(Draft(BulkMode::kBestEffort, {Item("a", c_, 1)})).value();
  Decide(schedule, Asking::APPROVED);
  Decide(bulk, Asking::APPROVED);
  // The answer is lost, or what follows from it cannot be kept.
  approvals_double_.LoseRedemptions(true);
  EXPECT_THAT(Confirm(schedule), StatusHasReason(Reason::kUnavailable));
  approvals_double_.LoseRedemptions(false);
  bulks_.FailRecords(true);
  EXPECT_THAT(Confirm(bulk), StatusHasReason(Reason::kUnavailable));
  bulks_.FailRecords(false);
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kRequiresAction);
  EXPECT_EQ(Kept(bulk).state, BulkState::kRequiresAction);
  // Not before the lease is over; and auth may be away then, too.
  Work();
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kRequiresAction);
  clock_.Advance(kLease);
  approvals_double_.SetAvailable(false);
  Work();
  approvals_double_.SetAvailable(true);
  clock_.Advance(kLease);
  Work();
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kActive);
  EXPECT_EQ(Kept(bulk).state, BulkState::kCompleted);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 901);
  EXPECT_EQ(approvals_double_.redemptions(), 2);
}

// Even after the approval's time is over.
TEST_F(ConfirmOrderTest, WhatWasRedeemedInTimeBeginsLate) {
  const Schedule schedule = Waiting();
  Decide(schedule, Asking::APPROVED);
  approvals_double_.LoseRedemptions(true);
  EXPECT_THAT(Confirm(schedule), StatusHasReason(Reason::kUnavailable));
  approvals_double_.LoseRedemptions(false);
  clock_.Advance(absl::Hours(1));
  Work();
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kActive);
}

TEST_F(ConfirmOrderTest, WhatWasCanceledMeanwhileStaysSo) {
  const Schedule schedule = Waiting();
  const Bulk bulk = Submit(Draft(BulkMode::kBestEffort, {Item("a", c_, 1)})).value();
  Decide(schedule, Asking::APPROVED);
  Decide(bulk, Asking::APPROVED);
  ASSERT_THAT(runtime_.Run(schedules_.ChangeSchedule(user_, schedule.schedule_id,
                                                     ScheduleEvent::kCancel, clock_.Now(), {})),
              IsOk());
  ASSERT_THAT(
      runtime_.Run(bulks_.ChangeBulk(user_, bulk.bulk_id, BulkEvent::kCancel, clock_.Now(), {})),
      IsOk());
  EXPECT_THAT(Confirm(schedule), IsOk());
  EXPECT_THAT(Confirm(bulk), IsOk());
  EXPECT_EQ(Kept(schedule).state, ScheduleState::kCanceled);
  EXPECT_EQ(Kept(bulk).state, BulkState::kCanceled);
  EXPECT_EQ(approvals_double_.redemptions(), 0);
  ExpectNothingPaid();
}

TEST_F(ConfirmOrderTest, ABulkIsApprovedByItsTotalItsPayeesAndItsItems) {
  for (const BulkMode mode : {BulkMode::kBestEffort, BulkMode::kAllOrNothing}) {
    const std::int64_t before = ledger_double_.BalanceOf(c_);
    const Bulk draft = Draft(mode, {Item("own", b_, 1), Item("a", c_, 20), Item("b", c_, 300)});
    const Bulk bulk = Submit(draft).value();
    EXPECT_EQ(bulk.state, BulkState::kRequiresAction);
    const auth::v1::Approval asked = Asked(bulk);
    EXPECT_EQ(asked.kind(), Asking::BULK);
    EXPECT_EQ(asked.bulk_id(), FormatId(IdKind::kBulk, bulk.bulk_id));
    EXPECT_EQ(asked.amount().minor_units(), 321);
    EXPECT_EQ(asked.payee_account_id(), "");
    EXPECT_EQ(asked.terms(), "3 payments, list " + crypto::Hex(bulk.content));
    EXPECT_THAT(Confirm(bulk), StatusHasReason(Reason::kApprovalPending));
    Work();
    EXPECT_EQ(ledger_double_.BalanceOf(c_), before);
    Decide(bulk, Asking::APPROVED);
    EXPECT_THAT(Confirm(bulk), IsOk());
    Work();
    EXPECT_EQ(Kept(bulk).state, BulkState::kCompleted);
    EXPECT_EQ(ledger_double_.BalanceOf(c_), before + 320);
  }
  EXPECT_THAT(Payments(), Each(Field(&Payment::state, payments::State::kSucceeded)));
}

// Approved in time, but by one who holds the account no more.
TEST_F(ConfirmOrderTest, AHolderWhoWasRemovedConfirmsNoPayment) {
  accounts_double_.SetHolders(c_, {{.user_id = user_, .may_pay = true}});
  ledger_double_.Fund(c_, 1000);
  PaymentRequest request = Transfer(900);
  request.source_account_id = c_;
  rpc::Outgoing context;
  const auto made = runtime_.Run(judging_create_.Run(context, user_, "holder", request));
  ASSERT_THAT(made, IsOk());
  ASSERT_EQ(made->payment.state, payments::State::kRequiresAction);
  Decide(made->payment, Asking::APPROVED);
  accounts_double_.SetHolders(c_, {});
  const auto confirmed =
      runtime_.Run(confirm_.Run(context, user_, made->payment.payment_id, {.caller = "gateway"}));
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state, payments::State::kCanceled);
  EXPECT_EQ(confirmed->failure_reason, "account_not_found");
  EXPECT_EQ(approvals_double_.redemptions(), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 1000);
}

}  // namespace
}  // namespace florin::payments
