// What every InterestStore promises, held against PostgreSQL and the fake.
#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kMany = 1000;
const CivilDay kToday(2026, 1, 30);
const absl::Time kNow = absl::FromCivil(kToday, absl::UTCTimeZone());

template <class S>
class InterestStoreContractTest : public ::testing::Test {
 protected:
  Uuid NewAccount(bool open = true, const std::string& book = "") {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Zoë",
                      .create_time = kStart};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertCustomer(
                    customer, KeyOf(customer.customer_id.ToString(), "content"))),
                IsOk());
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = customer.customer_id,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Savings",
                    .create_time = kStart,
                    .book = book};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertAccount(
                    account, KeyOf(account.account_id.ToString(), "content"))),
                IsOk());
    if (!open) return account.account_id;
    EXPECT_THAT(runtime_.Run(subject_.store().MarkOpen(account.account_id)), IsOk());
    return account.account_id;
  }
  InterestPlan Plan(int version = 1, std::int64_t rate = 36'500) const {
    return {.plan_id = plan_id_,
            .version = version,
            .currency = "EUR",
            .effective_date = version == 1 ? CivilDay(2026, 1, 1) : kToday + 2,
            .terms = {.convention = DayCount::kAct360, .credit_rate = rate, .debit_rate = 7},
            .monthly_fee_minor = 300};
  }
  audit::Event EventOf(const std::string& subject) const {
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.interest.test";
    event.subject = subject;
    return event;
  }
  absl::StatusOr<InterestPlan> Put(const InterestPlan& plan) {
    return runtime_.Run(store().PutPlan(plan, kToday, kNow, EventOf(plan.plan_id)));
  }
  absl::StatusOr<InterestAssignment> Assign(const Uuid& account, CivilDay from,
                                            const std::string& plan) {
    const InterestAssignment one{.account_id = account, .from_date = from, .plan_id = plan};
    return runtime_.Run(store().Assign(one, operator_, kToday, kNow, DueOf(from),
                                       EventOf(FormatId(IdKind::kAccount, account))));
  }
  static absl::Time DueOf(CivilDay day) { return ClosingTime(day, absl::UTCTimeZone()); }
  // Of the account; nothing else is touched.
  std::vector<DueInterest> Claim(const Uuid& account, absl::Time now) {
    std::vector<DueInterest> all =
        runtime_.Run(store().ClaimDays(now, now + absl::Minutes(1), kMany)).value();
    std::erase_if(all, [&](const DueInterest& one) { return one.account_id != account; });
    return all;
  }
  std::vector<InterestBooking> ClaimBookings(const Uuid& account, absl::Time now) {
    std::vector<InterestBooking> all =
        runtime_.Run(store().ClaimBookings(now, now + absl::Minutes(1), kMany)).value();
    std::erase_if(all, [&](const InterestBooking& one) { return one.account_id != account; });
    return all;
  }
  InterestDay Decide(const DueInterest& due) {
    return DecideDay(due, 1'000'000, absl::UTCTimeZone()).value();
  }
  void Write(const InterestDay& day) {
    EXPECT_THAT(runtime_.Run(store().WriteDays({day}, kNow)), IsOk());
  }
  AccountInterest Get(const Uuid& account) {
    return runtime_.Run(store().GetInterest(account)).value();
  }
  InterestStore& store() { return subject_.interest(); }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const Uuid operator_ = SystemIds().NewId();
  const std::string plan_id_ = "p" + SystemIds().NewId().ToString();
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(InterestStoreContractTest, Subjects);

TYPED_TEST(InterestStoreContractTest, AVersionIsAddedOnce) {
  EXPECT_THAT(this->Put(this->Plan(2)), StatusHasParam("version"));
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  EXPECT_THAT(this->Put(this->Plan(1, 5)), StatusHasReason(Reason::kIdConflict));
  InterestPlan second = this->Plan(2, 7);
  second.account_kind = AccountKind::kSavings;
  EXPECT_THAT(this->Put(second), StatusHasParam("account_kind"));
  second.account_kind.reset();
  EXPECT_EQ(this->Put(second).value(), second);
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());  // A late retry.
  const auto versions = this->runtime_.Run(this->store().ListPlans(this->plan_id_)).value();
  EXPECT_THAT(versions, ElementsAre(this->Plan(), second));
  const auto latest = this->runtime_.Run(this->store().ListPlans(std::nullopt)).value();
  EXPECT_EQ(std::ranges::count(latest, second), 1);
  EXPECT_EQ(std::ranges::count(latest, this->Plan()), 0);
  EXPECT_THAT(this->subject_.EventsOf(this->runtime_, this->plan_id_), SizeIs(2));
}

TYPED_TEST(InterestStoreContractTest, AnAccountIsAssignedOnceADay) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  const Uuid account = this->NewAccount();
  EXPECT_THAT(this->Assign(account, kToday, this->plan_id_), StatusHasParam("from_date"));
  EXPECT_THAT(this->Assign(account, kToday + 1, "none"),
              StatusHasReason(Reason::kInterestPlanNotFound));
  EXPECT_THAT(this->Assign(SystemIds().NewId(), kToday + 1, this->plan_id_),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Assign(this->NewAccount(false), kToday + 1, this->plan_id_),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
  EXPECT_THAT(this->Assign(account, kToday + 1, ""), StatusHasReason(Reason::kIdConflict));
  EXPECT_THAT(this->Assign(account, kToday + 3, ""), IsOk());
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());  // A late retry.
  EXPECT_THAT(this->Assign(account, kToday + 2, this->plan_id_), StatusHasParam("from_date"));
  const AccountInterest interest = this->Get(account);
  EXPECT_THAT(interest.assignments, SizeIs(2));
  EXPECT_EQ(interest.next_day, kToday + 1);
  EXPECT_THAT(this->subject_.EventsOf(this->runtime_, FormatId(IdKind::kAccount, account)),
              SizeIs(2));
  const InterestAssignment own{
      .account_id = account, .from_date = kToday + 5, .plan_id = this->plan_id_};
  EXPECT_THAT(this->runtime_.Run(
                  this->store().Assign(own, this->user_, kToday, kNow, kNow, this->EventOf("x"))),
              StatusHasReason(Reason::kSelfApproval));
}

TYPED_TEST(InterestStoreContractTest, ADayIsClaimedWhenItIsClosedAndWrittenOnce) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  EXPECT_EQ(this->Put(this->Plan(2, 73'000)).value(), this->Plan(2, 73'000));
  const Uuid account = this->NewAccount();
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
  const absl::Time due = this->DueOf(kToday + 1);
  EXPECT_THAT(this->Claim(account, due - absl::Microseconds(1)), IsEmpty());
  const auto first = this->Claim(account, due);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].day, kToday + 1);
  EXPECT_EQ(first[0].plan, this->Plan());
  EXPECT_EQ(first[0].next_plan_id, this->plan_id_);
  EXPECT_FALSE(first[0].closed);
  EXPECT_FALSE(first[0].more_follows);
  EXPECT_THAT(this->Claim(account, due), IsEmpty());  // Leased.
  const auto again = this->Claim(account, due + absl::Minutes(2));
  ASSERT_THAT(again, SizeIs(1));
  const InterestDay day = this->Decide(first[0]);
  ASSERT_THAT(day.bookings, SizeIs(2));  // 31 January.
  this->Write(day);
  this->Write(day);
  this->Write(this->Decide(again[0]));
  const AccountInterest interest = this->Get(account);
  EXPECT_EQ(interest.next_day, kToday + 2);
  EXPECT_EQ(interest.carried, day.carried);
  ASSERT_THAT(interest.bookings, SizeIs(2));
  EXPECT_EQ(interest.bookings[0], day.bookings[1]);  // fee
  EXPECT_EQ(interest.bookings[1], day.bookings[0]);
  const auto days = this->runtime_.Run(this->store().ListDays(account, kToday + 9, 5)).value();
  ASSERT_THAT(days, SizeIs(1));
  EXPECT_EQ(days[0].parts, day.parts);
  EXPECT_EQ(days[0].carried, day.carried);
  EXPECT_EQ(days[0].booked_minor, day.booked_minor);
  EXPECT_EQ(days[0].balance_minor, 1'000'000);
  EXPECT_EQ(days[0].plan_version, 1);
  EXPECT_THAT(this->runtime_.Run(this->store().ListDays(account, kToday + 1, 5)).value(),
              IsEmpty());
  // The second version counts from its day on.
  const auto next = this->Claim(account, this->DueOf(kToday + 2));
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].plan, this->Plan(2, 73'000));
  EXPECT_EQ(next[0].carried, day.carried);
}

TYPED_TEST(InterestStoreContractTest, AnAssignmentVoidsWhatWasDecidedBefore) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  const Uuid account = this->NewAccount();
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
  const absl::Time due = this->DueOf(kToday + 1);
  const auto claimed = this->Claim(account, due);
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_THAT(this->Assign(account, kToday + 2, ""), IsOk());
  this->Write(this->Decide(claimed[0]));
  EXPECT_EQ(this->Get(account).next_day, kToday + 1);
  const auto again = this->Claim(account, due + absl::Minutes(2));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].next_plan_id, "");
  this->Write(this->Decide(again[0]));
  EXPECT_THAT(this->Claim(account, due + absl::Hours(1000)), IsEmpty());
  // It begins again where it is told, without the days between.
  EXPECT_THAT(this->Assign(account, kToday + 7, this->plan_id_), IsOk());
  EXPECT_EQ(this->Get(account).next_day, kToday + 7);
  EXPECT_THAT(this->Claim(account, this->DueOf(kToday + 7)), SizeIs(1));
}

TYPED_TEST(InterestStoreContractTest, ABookingIsDecidedOnce) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  const Uuid account = this->NewAccount();
  EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
  this->Write(this->Decide(this->Claim(account, this->DueOf(kToday + 1)).at(0)));
  const auto claimed = this->ClaimBookings(account, kNow);
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_THAT(this->ClaimBookings(account, kNow), IsEmpty());
  ASSERT_THAT(this->ClaimBookings(account, kNow + absl::Minutes(2)), SizeIs(2));
  std::vector<InterestStore::Decided> decided;
  for (const InterestBooking& one : claimed) {
    const bool fee = one.kind == BookingKind::kFee;
    decided.push_back({.after = AfterDecision(one, fee ? "insufficient_funds" : ""),
                       .attempt = one.attempt,
                       .next_attempt_time = kNow + absl::Hours(24)});
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(this->runtime_.Run(this->store().RecordBookings(decided)), IsOk());
    const AccountInterest interest = this->Get(account);
    EXPECT_EQ(interest.bookings.at(0).state, BookingState::kDue);
    EXPECT_EQ(interest.bookings.at(0).attempt, 2);
    EXPECT_EQ(interest.bookings.at(0).reason, "insufficient_funds");
    EXPECT_EQ(interest.bookings.at(1).state, BookingState::kPosted);
  }
  EXPECT_THAT(this->ClaimBookings(account, kNow + absl::Hours(23)), IsEmpty());
  EXPECT_THAT(this->ClaimBookings(account, kNow + absl::Hours(24)), SizeIs(1));
}

TYPED_TEST(InterestStoreContractTest, SettlingEndsThePeriodAndVoidsWhatWasDecidedBefore) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  const Uuid account = this->NewAccount();
  const absl::Time lease = kNow + absl::Minutes(1);
  EXPECT_THAT(this->runtime_.Run(this->store().Settle(account, lease)).value(), IsEmpty());
  EXPECT_THAT(this->Assign(account, kToday + 2, this->plan_id_), IsOk());
  EXPECT_THAT(this->runtime_.Run(this->store().Settle(account, lease)).value(), IsEmpty());
  this->Write(this->Decide(this->Claim(account, this->DueOf(kToday + 2)).at(0)));
  const Int128 carried = this->Get(account).carried;
  const auto claimed = this->Claim(account, this->DueOf(kToday + 3));
  ASSERT_THAT(claimed, SizeIs(1));
  const auto settled = this->runtime_.Run(this->store().Settle(account, lease)).value();
  ASSERT_THAT(settled, SizeIs(1));
  EXPECT_EQ(settled[0].last_day, kToday + 2);
  EXPECT_EQ(settled[0].plan_id, this->plan_id_);
  EXPECT_EQ(settled[0].amount_minor, 101);  // 3.65 % of 10'000.00 / 360: 1.0138…
  EXPECT_EQ(Int128(101) * kPartsOfAUnit + this->Get(account).carried, carried);
  // It is still to be booked, and nothing is added; what was claimed before has no effect.
  EXPECT_EQ(this->runtime_.Run(this->store().Settle(account, lease)).value(), settled);
  EXPECT_THAT(this->ClaimBookings(account, kNow), IsEmpty());
  this->Write(this->Decide(claimed[0]));
  EXPECT_EQ(this->Get(account).next_day, kToday + 3);
}

TYPED_TEST(InterestStoreContractTest, WhatIsDueSaysItsAccountsBook) {
  EXPECT_EQ(this->Put(this->Plan()).value(), this->Plan());
  const Uuid here = this->NewAccount();
  const Uuid there = this->NewAccount(true, "other");
  for (const auto& [account, book] : {std::pair(here, ""), std::pair(there, "other")}) {
    EXPECT_THAT(this->Assign(account, kToday + 1, this->plan_id_), IsOk());
    const auto due = this->Claim(account, this->DueOf(kToday + 1));
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due[0].book, book);
    this->Write(this->Decide(due[0]));
    const auto bookings = this->ClaimBookings(account, kNow);
    ASSERT_THAT(bookings, SizeIs(2));
    for (const InterestBooking& one : bookings) EXPECT_EQ(one.book, book);
    for (const InterestBooking& one : this->Get(account).bookings) EXPECT_EQ(one.book, book);
    this->Write(this->Decide(this->Claim(account, this->DueOf(kToday + 2)).at(0)));
    const auto settled =
        this->runtime_.Run(this->store().Settle(account, kNow + absl::Minutes(1))).value();
    ASSERT_THAT(settled, SizeIs(3));
    for (const InterestBooking& one : settled) EXPECT_EQ(one.book, book);
  }
}

TEST(InterestTablesTest, HistoryStays) {
  async::Runtime runtime(1);
  PgSubject subject;
  for (const char* sql :
       {"UPDATE interest_days SET parts = 0", "DELETE FROM interest_days",
        "UPDATE interest_plans SET credit_rate = 0", "DELETE FROM interest_assignments",
        "UPDATE interest_bookings SET amount_minor = 1", "DELETE FROM interest_bookings"}) {
    EXPECT_FALSE(subject.TryRows(runtime, sql).ok()) << sql;
  }
}

}  // namespace
}  // namespace florin::accounts
