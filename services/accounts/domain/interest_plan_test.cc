#include "services/accounts/domain/interest_plan.h"

#include <random>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using absl::CivilDay;

const absl::TimeZone kUtc = absl::UTCTimeZone();

InterestPlan Plan(std::int64_t credit_rate = 50'000) {
  return {.plan_id = "savings",
          .version = 1,
          .currency = "EUR",
          .effective_date = CivilDay(2026, 1, 1),
          .terms = {.credit_rate = credit_rate, .debit_rate = 120'000}};
}

// An account's days one after another, as the job decides them.
class Days {
 public:
  InterestDay Next(const InterestPlan& plan, std::int64_t balance,
                   const std::string& next_plan = "savings") {
    DueInterest due{.account_id = DeriveId("test", "account"),
                    .day = day_,
                    .carried = carried_,
                    .revision = 1,
                    .plan = plan,
                    .next_plan_id = next_plan};
    InterestDay day = DecideDay(due, balance, kUtc).value();
    day_ = day.next_day;
    carried_ = day.carried;
    accrued_ += day.parts;
    for (const InterestBooking& one : day.bookings) {
      if (one.kind == BookingKind::kInterest) booked_ += one.amount_minor;
    }
    EXPECT_EQ(accrued_, Int128(booked_) * kPartsOfAUnit + carried_) << day.day;
    return day;
  }

  CivilDay day_{2026, 1, 1};
  Int128 carried_ = 0;
  Int128 accrued_ = 0;
  std::int64_t booked_ = 0;
};

TEST(InterestPlanTest, AMonthIsBookedAtItsEndAndTheRestIsCarriedOn) {
  Days days;
  for (int i = 1; i < 31; ++i) EXPECT_TRUE(days.Next(Plan(), 100'000).bookings.empty()) << i;
  const InterestDay last = days.Next(Plan(), 100'000);
  // 1000.00 EUR at 5 % for 31 of 365 days: 4.2465…
  ASSERT_EQ(last.bookings.size(), 1);
  EXPECT_EQ(last.bookings[0].amount_minor, 424);
  EXPECT_EQ(last.bookings[0].last_day, CivilDay(2026, 1, 31));
  EXPECT_EQ(last.booked_minor, 424);
  EXPECT_EQ(last.carried * 365 / kPartsOfAUnit, 240);  // 0.657… of a cent: 240/365.
  EXPECT_EQ(last.next_day, CivilDay(2026, 2, 1));
  EXPECT_EQ(last.due_time, absl::FromCivil(CivilDay(2026, 2, 2), kUtc) + kDayCloses);
  // A year is exact: 50.00 EUR.
  while (days.day_ < CivilDay(2027, 1, 1)) days.Next(Plan(), 100'000);
  EXPECT_EQ(days.booked_, 5000);
  EXPECT_EQ(days.carried_, 0);
}

TEST(InterestPlanTest, ALeapYearHasADayMoreUnderActualDays) {
  Days days;
  days.day_ = CivilDay(2028, 1, 1);
  while (days.day_ < CivilDay(2029, 1, 1)) days.Next(Plan(), 365'000);
  EXPECT_EQ(days.booked_, 18'300);  // 366 days of 0.50.
  Days thirty;
  thirty.day_ = CivilDay(2028, 1, 1);
  InterestPlan plan = Plan();
  plan.terms.convention = DayCount::kThirtyE360;
  while (thirty.day_ < CivilDay(2029, 1, 1)) thirty.Next(plan, 365'000);
  EXPECT_EQ(thirty.booked_, 18'250);
}

TEST(InterestPlanTest, MonthsEndWhereTheCalendarHasThem) {
  for (const CivilDay& last : {CivilDay(2026, 2, 28), CivilDay(2028, 2, 29), CivilDay(2026, 4, 30),
                               CivilDay(2026, 12, 31)}) {
    Days days;
    days.day_ = last - 1;
    EXPECT_TRUE(days.Next(Plan(), 10'000'000).bookings.empty()) << last;
    EXPECT_EQ(days.Next(Plan(), 10'000'000).bookings.size(), 1) << last;
  }
}

TEST(InterestPlanTest, ARateOfTheMiddleOfAMonthCountsFromItsDayOn) {
  Days days;
  for (int i = 0; i < 10; ++i) days.Next(Plan(36'500), 1'000'000);  // 100 a day
  for (int i = 0; i < 21; ++i) days.Next(Plan(73'000), 1'000'000);  // 200 a day
  EXPECT_EQ(days.booked_, 10 * 100 + 21 * 200);
}

TEST(InterestPlanTest, APlanThatEndsIsBookedOnItsLastDay) {
  Days days;
  days.Next(Plan(36'500), 1'000'000);
  const InterestDay last = days.Next(Plan(36'500), 1'000'000, "");
  ASSERT_EQ(last.bookings.size(), 1);
  EXPECT_EQ(last.bookings[0].amount_minor, 200);
  EXPECT_EQ(last.due_time, absl::InfiniteFuture());
  const InterestDay other = days.Next(Plan(36'500), 1'000'000, "other");
  EXPECT_EQ(other.bookings.size(), 1);
  EXPECT_NE(other.due_time, absl::InfiniteFuture());
}

TEST(InterestPlanTest, AFeeIsChargedAtTheEndOfAMonthOnly) {
  InterestPlan plan = Plan(0);
  plan.monthly_fee_minor = 300;
  Days days;
  EXPECT_TRUE(days.Next(plan, 0, "other").bookings.empty());
  days.day_ = CivilDay(2026, 1, 31);
  const InterestDay last = days.Next(plan, 0);
  ASSERT_EQ(last.bookings.size(), 1);
  EXPECT_EQ(last.bookings[0].kind, BookingKind::kFee);
  EXPECT_EQ(last.bookings[0].amount_minor, -300);
}

TEST(InterestPlanTest, NothingComesOfAClosedAccount) {
  const DueInterest due{.day = CivilDay(2026, 1, 31), .carried = 5, .closed = true, .plan = Plan()};
  const InterestDay day = DecideDay(due, 1'000'000, kUtc).value();
  EXPECT_TRUE(day.bookings.empty());
  EXPECT_EQ(day.plan_id, "");
  EXPECT_EQ(day.carried, 5);
  EXPECT_EQ(day.next_day, due.day);
  EXPECT_EQ(day.due_time, absl::InfiniteFuture());
}

TEST(InterestPlanTest, NoUnitIsCreatedOrLost) {
  std::mt19937_64 random(20260131);
  for (int round = 0; round < 200; ++round) {
    Days days;  // Next() checks after every day.
    days.day_ = CivilDay(2020, 1, 1) + static_cast<int>(random() % 4000);
    // The largest balance, the scale of currencies with 0, 2, 3 and 4 decimals, and debts.
    const std::int64_t scale = std::int64_t{1} << (random() % 63);
    for (int i = 0; i < 120; ++i) {
      InterestPlan plan = Plan(static_cast<std::int64_t>(random() % 1'000'001));
      plan.terms.convention = static_cast<DayCount>(random() % 3);
      const auto balance = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(scale));
      const InterestDay day = days.Next(plan, random() % 4 == 0 ? -balance : balance);
      if (day.booked_minor != 0 || (day.day + 1).month() != day.day.month()) {
        EXPECT_LT(day.carried < 0 ? -day.carried : day.carried, kPartsOfAUnit);
      }
    }
  }
}

TEST(InterestPlanTest, WhatADebtCostsIsNeverRoundedUp) {
  Days days;
  days.day_ = CivilDay(2026, 1, 31);
  const InterestDay day = days.Next(Plan(), -1'000);  // 0.3287… a day
  EXPECT_TRUE(day.bookings.empty());
  EXPECT_LT(day.carried, 0);
  days.day_ = CivilDay(2026, 2, 28);
  EXPECT_EQ(days.Next(Plan(), -10'000).bookings[0].amount_minor, -3);
}

TEST(InterestPlanTest, DaysAreThoseOfTheTimeZone) {
  absl::TimeZone berlin;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
  // 2026-03-29 has 23 hours there.
  EXPECT_EQ(LastInstant(CivilDay(2026, 3, 29), berlin) - LastInstant(CivilDay(2026, 3, 28), berlin),
            absl::Hours(23));
  EXPECT_EQ(LastInstant(CivilDay(2026, 1, 1), kUtc) - LastInstant(CivilDay(2026, 1, 1), berlin),
            absl::Hours(1));
  EXPECT_EQ(ClosingTime(CivilDay(2026, 1, 1), kUtc),
            LastInstant(CivilDay(2026, 1, 1), kUtc) + absl::Microseconds(1) + absl::Minutes(10));
}

TEST(InterestPlanTest, PlansAreChecked) {
  EXPECT_THAT(CheckPlan(Plan()), IsOk());
  struct Case {
    std::string param;
    std::function<void(InterestPlan&)> edit;
  };
  const Case cases[] = {
      {"plan_id", [](InterestPlan& plan) { plan.plan_id = ""; }},
      {"plan_id", [](InterestPlan& plan) { plan.plan_id = "Savings"; }},
      {"plan_id", [](InterestPlan& plan) { plan.plan_id = std::string(41, 'a'); }},
      {"version", [](InterestPlan& plan) { plan.version = 0; }},
      {"currency", [](InterestPlan& plan) { plan.currency = "EURO"; }},
      {"credit_rate_ppm", [](InterestPlan& plan) { plan.terms.credit_rate = -1; }},
      {"credit_rate_ppm", [](InterestPlan& plan) { plan.terms.credit_rate = 1'000'001; }},
      {"debit_rate_ppm", [](InterestPlan& plan) { plan.terms.debit_rate = 1'000'001; }},
      {"monthly_fee_minor", [](InterestPlan& plan) { plan.monthly_fee_minor = -1; }},
      {"effective_date", [](InterestPlan& plan) { plan.effective_date = CivilDay(1969, 1, 1); }},
  };
  for (const Case& c : cases) {
    InterestPlan plan = Plan();
    c.edit(plan);
    EXPECT_THAT(CheckPlan(plan), StatusHasParam(c.param));
  }
}

TEST(InterestPlanTest, ARateIsNeverChangedRetroactively) {
  const CivilDay today(2026, 6, 1);
  EXPECT_THAT(CheckNextVersion({}, Plan(), today), IsOk());
  InterestPlan next = Plan();
  next.version = 2;
  EXPECT_THAT(CheckNextVersion({}, next, today), StatusHasParam("version"));
  EXPECT_THAT(CheckNextVersion(Plan(), Plan(), today), StatusHasParam("version"));
  next.effective_date = today;
  EXPECT_THAT(CheckNextVersion(Plan(), next, today), StatusHasParam("effective_date"));
  next.effective_date = today + 1;
  EXPECT_THAT(CheckNextVersion(Plan(), next, today), IsOk());
  next.currency = "USD";
  EXPECT_THAT(CheckNextVersion(Plan(), next, today), StatusHasParam("currency"));
  next = Plan();
  next.version = 2;
  next.time_zone = "Europe/Berlin";
  EXPECT_THAT(CheckNextVersion(Plan(), next, today), StatusHasParam("time_zone"));
  next.time_zone = "UTC";
  next.account_kind = AccountKind::kSavings;
  EXPECT_THAT(CheckNextVersion(Plan(), next, today), StatusHasParam("account_kind"));
}

TEST(InterestPlanTest, AssignmentsAreChecked) {
  const CivilDay today(2026, 6, 1);
  const InterestAssignment one{.from_date = today + 1, .plan_id = "savings"};
  AssignmentFacts facts{.currency = "EUR", .first_version = Plan()};
  EXPECT_THAT(CheckAssignment(facts, one, today), IsOk());
  EXPECT_THAT(CheckAssignment(facts, one, today + 1), StatusHasParam("from_date"));
  facts.latest = InterestAssignment{.from_date = today + 1, .plan_id = "other"};
  EXPECT_THAT(CheckAssignment(facts, one, today), StatusHasParam("from_date"));
  facts.latest.reset();
  const InterestAssignment none{.from_date = today + 1};
  EXPECT_THAT(CheckAssignment(facts, none, today), StatusHasParam("plan_id"));
  facts.closed = true;
  EXPECT_THAT(CheckAssignment(facts, one, today), StatusHasReason(Reason::kAccountClosed));
  facts.closed = false;
  facts.currency = "USD";
  EXPECT_THAT(CheckAssignment(facts, one, today), StatusHasReason(Reason::kCurrencyMismatch));
  facts.currency = "EUR";
  facts.first_version->account_kind = AccountKind::kSavings;
  EXPECT_THAT(CheckAssignment(facts, one, today), StatusHasParam("plan_id"));
  facts.account_kind = AccountKind::kSavings;
  EXPECT_THAT(CheckAssignment(facts, one, today), IsOk());
  facts.first_version->effective_date = today + 2;
  EXPECT_THAT(CheckAssignment(facts, one, today), StatusHasParam("from_date"));
  facts.first_version.reset();
  const absl::Status unknown = CheckAssignment(facts, one, today);
  EXPECT_THAT(unknown, StatusHasReason(Reason::kInterestPlanNotFound));
  EXPECT_THAT(unknown, StatusHasParam("plan_id"));
}

TEST(InterestPlanTest, ARefusedBookingWaitsAndIsGivenUpAtLast) {
  InterestBooking booking{.plan_id = "savings", .currency = "EUR", .amount_minor = -300};
  EXPECT_EQ(AfterDecision(booking, "").state, BookingState::kPosted);
  EXPECT_EQ(AfterDecision(booking, "account_closed").state, BookingState::kUnpaid);
  for (int attempt = 1; attempt < kMostBookingAttempts; ++attempt) {
    const Uuid before = TransactionIdOf(booking);
    booking = AfterDecision(booking, "insufficient_funds");
    EXPECT_EQ(booking.state, BookingState::kDue);
    EXPECT_EQ(booking.attempt, attempt + 1);
    EXPECT_NE(TransactionIdOf(booking), before);
  }
  booking = AfterDecision(booking, "insufficient_funds");
  EXPECT_EQ(booking.state, BookingState::kUnpaid);
  EXPECT_EQ(booking.reason, "insufficient_funds");
  EXPECT_EQ(AfterDecision(booking, ""), booking);
}

TEST(InterestPlanTest, EachSideHasItsHouseAccount) {
  InterestBooking booking{.currency = "EUR", .amount_minor = 5};
  EXPECT_EQ(HouseOf(booking).role, InterestHouse::kExpense);
  booking.amount_minor = -5;
  EXPECT_EQ(HouseOf(booking).role, InterestHouse::kIncome);
  booking.kind = BookingKind::kFee;
  EXPECT_EQ(HouseOf(booking).role, InterestHouse::kFees);
  EXPECT_NE(HouseAccountId({InterestHouse::kFees, "EUR"}),
            HouseAccountId({InterestHouse::kIncome, "EUR"}));
  EXPECT_NE(HouseAccountId({InterestHouse::kFees, "EUR"}),
            HouseAccountId({InterestHouse::kFees, "USD"}));
}

TEST(InterestPlanTest, PartsAreWrittenAndRead) {
  const Int128 large = (Int128(1) << 120) + 7;
  for (const Int128 parts : {Int128(0), Int128(-1), Int128(10), large, -large}) {
    const absl::StatusOr<Int128> read = ParseParts(TextOf(parts));
    ASSERT_THAT(read, IsOk());
    EXPECT_TRUE(*read == parts) << TextOf(parts);
  }
  EXPECT_EQ(TextOf(-120), "-120");
  for (const char* text : {"", "-", "1.5", "0x1", "+1"}) {
    EXPECT_THAT(ParseParts(text), StatusHasReason(Reason::kInternal)) << text;
  }
}

}  // namespace
}  // namespace florin::accounts
