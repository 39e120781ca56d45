#include "services/accounts/domain/account_statement.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;

TEST(StatementPeriodTest, ReadsDaysOfTheCalendar) {
  const auto leap = ParseStatementPeriod("2028-02-29", "2028-03-01");
  ASSERT_THAT(leap, IsOk());
  EXPECT_EQ(leap->last - leap->first, 1);
  EXPECT_EQ(DateText(leap->first), "2028-02-29");
  EXPECT_THAT(ParseStatementPeriod("2028-01-01", "2028-12-31"), IsOk());  // 366 days
}

TEST(StatementPeriodTest, RefusesWhatIsNoPeriodAndSaysWhich) {
  const struct {
    const char* first;
    const char* last;
    const char* param;
  } kBad[] = {
      {"2026-02-29", "2026-03-01", "first_date"}, {"2026-13-01", "2026-12-31", "first_date"},
      {"2026-1-1", "2026-01-31", "first_date"},   {"", "2026-01-31", "first_date"},
      {"1969-12-31", "1970-01-01", "first_date"}, {"2026-01-01", "2026-01-00", "last_date"},
      {"2026-01-02", "2026-01-01", "last_date"},  {"2027-01-01", "2028-01-02", "last_date"},
      {"2026-01-01", "2026-01-31 ", "last_date"}, {"2026-01-01", "+026-01-31", "last_date"},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(ParseStatementPeriod(bad.first, bad.last),
                AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam(bad.param)))
        << bad.first << " " << bad.last;
  }
}

TEST(StatementPeriodTest, DaysAreThoseOfTheZone) {
  absl::TimeZone berlin;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
  const absl::CivilDay short_day(2026, 3, 29);  // Clocks go forward.
  const Instants day = InstantsOf({short_day, short_day}, berlin);
  EXPECT_EQ(day.until - day.from, absl::Hours(23));
  EXPECT_EQ(absl::FormatTime(day.from, absl::UTCTimeZone()), "2026-03-28T23:00:00+00:00");
  // Midnight of 6 September 2026 does not exist in Santiago: the day begins at one o'clock.
  absl::TimeZone santiago;
  ASSERT_TRUE(absl::LoadTimeZone("America/Santiago", &santiago));
  const absl::CivilDay gap(2026, 9, 6);
  const Instants before = InstantsOf({gap - 1, gap - 1}, santiago);
  const Instants after = InstantsOf({gap, gap}, santiago);
  EXPECT_EQ(before.until, after.from);
  EXPECT_EQ(after.until - after.from, absl::Hours(23));
}

BookedEntry Entry(std::int64_t amount, std::int64_t balance) {
  return {.amount_minor = amount, .balance_after_minor = balance};
}

TEST(AccountStatementTest, OpeningAndEntriesMakeTheClosing) {
  const auto statement = MakeStatement(100, {Entry(50, 150), Entry(-120, 30), Entry(0, 30)});
  ASSERT_THAT(statement, IsOk());
  EXPECT_EQ(statement->opening_minor, 100);
  EXPECT_EQ(statement->closing_minor, 30);
  EXPECT_EQ(statement->credits, (EntrySum{.count = 2, .total_minor = 50}));
  EXPECT_EQ(statement->debits, (EntrySum{.count = 1, .total_minor = 120}));
  EXPECT_EQ(MakeStatement(-7, {})->closing_minor, -7);
}

TEST(AccountStatementTest, EntriesThatDoNotAddUpAreNotShown) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(MakeStatement(100, {Entry(50, 151)}), StatusHasReason(Reason::kInternal));
  // One is missing between them.
  EXPECT_THAT(MakeStatement(0, {Entry(1, 1), Entry(1, 3)}), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(MakeStatement(kMost, {Entry(1, 1)}), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::accounts
