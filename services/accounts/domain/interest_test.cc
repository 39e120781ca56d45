#include "services/accounts/domain/interest.h"

#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "libs/money/currency.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using absl::CivilDay;

constexpr DayCount kConventions[] = {DayCount::kAct365Fixed, DayCount::kAct360,
                                     DayCount::kThirtyE360};

TEST(DayCountTest, AsIsdaHasThem) {
  struct Case {
    CivilDay from;
    CivilDay to;
    std::int64_t actual;
    std::int64_t thirty;
  };
  const Case cases[] = {
      {CivilDay(2023, 1, 1), CivilDay(2024, 1, 1), 365, 360},
      {CivilDay(2024, 1, 1), CivilDay(2025, 1, 1), 366, 360},
      {CivilDay(2024, 1, 30), CivilDay(2024, 1, 31), 1, 0},
      {CivilDay(2024, 1, 31), CivilDay(2024, 2, 1), 1, 1},
      {CivilDay(2024, 2, 28), CivilDay(2024, 2, 29), 1, 1},
      {CivilDay(2024, 2, 29), CivilDay(2024, 3, 1), 1, 2},
      {CivilDay(2023, 2, 28), CivilDay(2023, 3, 1), 1, 3},
      {CivilDay(2007, 1, 15), CivilDay(2007, 1, 30), 15, 15},
      {CivilDay(2007, 1, 15), CivilDay(2007, 2, 15), 31, 30},
      {CivilDay(2007, 9, 30), CivilDay(2008, 3, 31), 183, 180},
      {CivilDay(2007, 8, 31), CivilDay(2008, 2, 28), 181, 178},
      {CivilDay(2007, 2, 26), CivilDay(2008, 2, 29), 368, 363},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CountDays(DayCount::kAct365Fixed, c.from, c.to), c.actual) << c.from;
    EXPECT_EQ(CountDays(DayCount::kAct360, c.from, c.to), c.actual) << c.from;
    EXPECT_EQ(CountDays(DayCount::kThirtyE360, c.from, c.to), c.thirty) << c.from;
  }
}

TEST(DayCountTest, DaysAddUpToTheirPeriod) {
  const CivilDay from(1999, 12, 30);
  for (const DayCount convention : kConventions) {
    std::int64_t sum = 0;
    for (CivilDay day = from; day < CivilDay(2009, 3, 2); ++day) {
      EXPECT_EQ(CountDays(convention, from, day), sum) << day;
      sum += CountDays(convention, day, day + 1);
    }
  }
}

TEST(DayCountTest, NamesAreRead) {
  for (const DayCount one : kConventions) EXPECT_EQ(ParseDayCount(NameOf(one)).value(), one);
  EXPECT_THAT(ParseDayCount("30/360"), StatusHasReason(Reason::kInvalidField));
}

TEST(AccrualTest, AYearAtFivePercentIsFivePercent) {
  for (const DayCount convention : kConventions) {
    const InterestTerms terms{.convention = convention, .credit_rate = 50'000};
    Int128 parts = 0;
    for (CivilDay day(2023, 1, 1); day < CivilDay(2024, 1, 1); ++day) {
      parts += AccrueDay(terms, 100'000, day).value();
    }
    // ACT/360 has 365 days of 360.
    const std::int64_t expected = convention == DayCount::kAct360 ? 5069 : 5000;
    EXPECT_EQ(Capitalise(parts)->booked_minor, expected) << NameOf(convention);
    EXPECT_EQ(Capitalise(parts)->carried_parts != 0, convention == DayCount::kAct360);
  }
}

TEST(AccrualTest, ADebtCostsItsOwnRate) {
  const InterestTerms terms{.credit_rate = 10'000, .debit_rate = 365'000};
  const CivilDay day(2024, 5, 1);
  EXPECT_EQ(AccrueDay(terms, -1000, day), -Int128{kPartsOfAUnit});
  EXPECT_EQ(AccrueDay(terms, 0, day), Int128{0});
  EXPECT_EQ(Capitalise(-Int128{kPartsOfAUnit} - 1),
            (Capitalised{.booked_minor = -1, .carried_parts = -1}));
  EXPECT_EQ(Capitalise(Int128{kPartsOfAUnit} - 1),
            (Capitalised{.booked_minor = 0, .carried_parts = kPartsOfAUnit - 1}));
}

TEST(AccrualTest, TheLargestBalancesFit) {
  const InterestTerms most{
      .convention = DayCount::kThirtyE360, .credit_rate = 1'000'000, .debit_rate = 1'000'000};
  const CivilDay day(2023, 2, 28);  // Counts three.
  for (const std::int64_t balance :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    const auto parts = AccrueDay(most, balance, day);
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(*parts / 219 / 1'000'000, Int128{balance});
    EXPECT_TRUE(Capitalise(*parts).has_value());
  }
  EXPECT_EQ(AccrueDay({.credit_rate = 1'000'001}, 1, day), std::nullopt);
  EXPECT_EQ(AccrueDay({.credit_rate = -1}, 1, day), std::nullopt);
  EXPECT_EQ(Capitalise(~(Int128{1} << 127)), std::nullopt);
}

// Whatever balances, rates and conventions a day has: what has accrued is what was booked and what
// is carried, to the last part; and no booking is off by a minor unit or more.
TEST(AccrualTest, NothingIsLostOverMonths) {
  std::mt19937_64 random(20'240'229);
  // With 0, 2, 3 and 4 decimals: amounts are whole minor units in all of them.
  for (const char* code : {"JPY", "EUR", "KWD", "CLF"}) {
    const Currency currency = *Currency::Parse(code);
    std::int64_t unit = 1;
    for (int i = 0; i < currency.exponent(); ++i) unit *= 10;
    for (int round = 0; round < 20; ++round) {
      Int128 accrued = 0;
      Int128 carried = 0;
      Int128 booked = 0;
      InterestTerms terms;
      for (CivilDay day(2023, 12, 1); day < CivilDay(2025, 3, 2); ++day) {
        if (random() % 50 == 0) {
          terms = {.convention = kConventions[random() % 3],
                   .credit_rate = static_cast<std::int64_t>(random() % 200'000),
                   .debit_rate = static_cast<std::int64_t>(random() % 300'000)};
        }
        const auto range = static_cast<std::int64_t>(2'000'000 * unit);
        const std::int64_t balance = static_cast<std::int64_t>(random() % range) - range / 2;
        const Int128 parts = AccrueDay(terms, balance, day).value();
        accrued += parts;
        carried += parts;
        if ((day + 1).day() != 1) continue;
        const Capitalised month = Capitalise(carried).value();
        booked += month.booked_minor;
        carried = month.carried_parts;
        EXPECT_EQ(booked * kPartsOfAUnit + carried, accrued) << code << " " << day;
        EXPECT_LT(carried < 0 ? -carried : carried, Int128{kPartsOfAUnit});
      }
    }
  }
}

}  // namespace
}  // namespace florin::accounts
