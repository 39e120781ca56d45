#include "services/payments/domain/schedule.h"

#include <random>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

RecurrenceRule Rule(Frequency frequency, const std::string& first, int interval = 1) {
  RecurrenceRule rule{.frequency = frequency,
                      .interval = interval,
                      .first_day = *ParseDay(first),
                      .minute_of_day = 9 * 60,
                      .zone_name = "UTC",
                      .zone = absl::UTCTimeZone()};
  if (frequency == Frequency::kMonthly) rule.day_of_month = rule.first_day.day();
  return rule;
}

std::vector<std::string> Days(const RecurrenceRule& rule, int count) {
  std::vector<std::string> days;
  for (int n = 1; n <= count; ++n) {
    const auto day = OccurrenceDay(rule, n);
    days.push_back(day ? FormatDay(*day) : "-");
  }
  return days;
}

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

TEST(Recurrence, MonthEndsDoNotDrift) {
  EXPECT_THAT(Days(Rule(Frequency::kMonthly, "2026-01-31"), 5),
              ElementsAre("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"));
  EXPECT_THAT(Days(Rule(Frequency::kMonthly, "2027-12-30"), 4),
              ElementsAre("2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"));
}

TEST(Recurrence, TheDayOfTheMonthMayBeLaterThanTheFirstOne) {
  RecurrenceRule rule = Rule(Frequency::kMonthly, "2026-04-30");
  rule.day_of_month = 31;
  EXPECT_THAT(CheckRule(rule, At("2026-04-01T00:00:00Z")), IsOk());
  EXPECT_THAT(Days(rule, 3), ElementsAre("2026-04-30", "2026-05-31", "2026-06-30"));
}

TEST(Recurrence, LeapDaysAreTheLastOfFebruary) {
  EXPECT_THAT(Days(Rule(Frequency::kYearly, "2024-02-29"), 5),
              ElementsAre("2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"));
}

TEST(Recurrence, EveryFewDaysWeeksMonthsYears) {
  EXPECT_THAT(Days(Rule(Frequency::kOnce, "2026-01-05"), 2), ElementsAre("2026-01-05", "-"));
  EXPECT_THAT(Days(Rule(Frequency::kDaily, "2026-02-27", 2), 3),
              ElementsAre("2026-02-27", "2026-03-01", "2026-03-03"));
  EXPECT_THAT(Days(Rule(Frequency::kWeekly, "2026-12-28", 2), 2),
              ElementsAre("2026-12-28", "2027-01-11"));
  EXPECT_THAT(Days(Rule(Frequency::kMonthly, "2026-11-15", 3), 2),
              ElementsAre("2026-11-15", "2027-02-15"));
  EXPECT_THAT(Days(Rule(Frequency::kYearly, "2026-11-15", 5), 2),
              ElementsAre("2026-11-15", "2031-11-15"));
}

TEST(Recurrence, EndsAfterItsLastDayOrItsCount) {
  RecurrenceRule rule = Rule(Frequency::kDaily, "2026-01-01");
  rule.count = 2;
  EXPECT_THAT(Days(rule, 3), ElementsAre("2026-01-01", "2026-01-02", "-"));
  rule.count.reset();
  rule.last_day = *ParseDay("2026-01-02");
  EXPECT_THAT(Days(rule, 3), ElementsAre("2026-01-01", "2026-01-02", "-"));
}

// Berlin's clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
TEST(Recurrence, ALeftOutTimeIsTakenByTheOffsetBefore) {
  RecurrenceRule rule = Rule(Frequency::kDaily, "2026-03-28");
  rule.zone = Zone("Europe/Berlin");
  rule.minute_of_day = 2 * 60 + 30;
  EXPECT_EQ(OccurrenceTime(rule, 1), At("2026-03-28T01:30:00Z"));
  EXPECT_EQ(OccurrenceTime(rule, 2), At("2026-03-29T01:30:00Z"));  // 03:30 in Berlin.
  EXPECT_EQ(OccurrenceTime(rule, 3), At("2026-03-30T00:30:00Z"));
}

TEST(Recurrence, ARepeatedTimeIsTheFirstOfBoth) {
  RecurrenceRule rule = Rule(Frequency::kDaily, "2026-10-24");
  rule.zone = Zone("Europe/Berlin");
  rule.minute_of_day = 2 * 60 + 30;
  EXPECT_EQ(OccurrenceTime(rule, 2), At("2026-10-25T00:30:00Z"));
  EXPECT_EQ(OccurrenceTime(rule, 3), At("2026-10-26T01:30:00Z"));
}

// Whatever the rule: occurrences are in order, on the day that the anchor gives, and in the month
// that so many steps lead to.
TEST(Recurrence, PropertiesOfRandomRules) {
  std::mt19937 random(1);
  const std::vector<std::string> zones = {"UTC", "Europe/Berlin", "America/New_York",
                                          "Australia/Lord_Howe", "Pacific/Apia"};
  for (int i = 0; i < 2000; ++i) {
    const absl::CivilDay first =
        absl::CivilDay(2020, 1, 1) + static_cast<std::int64_t>(random() % 4000);
    RecurrenceRule rule = Rule(static_cast<Frequency>(1 + random() % 4), FormatDay(first),
                               static_cast<int>(1 + random() % 5));
    rule.minute_of_day = static_cast<int>(random() % 1440);
    rule.zone = Zone(zones[random() % zones.size()]);
    std::optional<absl::Time> before;
    for (int n = 1; n <= 30; ++n) {
      SCOPED_TRACE(FormatDay(first) + " " + std::string(NameOf(rule.frequency)) + " " +
                   std::to_string(n));
      const auto day = OccurrenceDay(rule, n);
      const auto time = OccurrenceTime(rule, n);
      ASSERT_TRUE(day && time);
      ASSERT_TRUE(!before || *before < *time);
      before = time;
      const absl::CivilSecond local = absl::ToCivilSecond(*time, rule.zone);
      const absl::CivilSecond wanted =
          absl::CivilSecond(*day) + static_cast<std::int64_t>(rule.minute_of_day) * 60;
      // Later by what the clocks leave out, if anything: a whole day in Apia in 2011.
      ASSERT_GE(local, wanted);
      ASSERT_LE(local - wanted, 3600);
      const std::int64_t steps = static_cast<std::int64_t>(n - 1) * rule.interval;
      if (rule.frequency == Frequency::kMonthly) {
        ASSERT_EQ(absl::CivilMonth(*day), absl::CivilMonth(first) + steps);
        const bool last = absl::CivilMonth(*day) != absl::CivilMonth(*day + 1);
        ASSERT_TRUE(day->day() == first.day() || (last && day->day() < first.day()));
      } else if (rule.frequency == Frequency::kWeekly) {
        ASSERT_EQ(absl::GetWeekday(*day), absl::GetWeekday(first));
      } else if (rule.frequency == Frequency::kYearly) {
        ASSERT_EQ(absl::CivilYear(*day), absl::CivilYear(first) + steps);
        ASSERT_EQ(day->month(), first.month());
      }
    }
  }
}

TEST(Recurrence, NamesOfZonesAreNoPaths) {
  for (const char* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    EXPECT_TRUE(IsZoneName(good)) << good;
  }
  for (const char* bad :
       {"", "localtime", "/etc/passwd", "../etc/passwd", "Europe/../Berlin", "Europe/",
        "Europe//Berlin", "libc:localtime", "file:/etc/passwd", "Europe/Ber lin", "right/UTC",
        "posix/UTC", "Europe/.Berlin", "Europe/Ber.lin"}) {
    EXPECT_FALSE(IsZoneName(bad)) << bad;
  }
}

TEST(Recurrence, DatesAndTimesHaveOneSpelling) {
  EXPECT_EQ(ParseDay("2024-02-29"), absl::CivilDay(2024, 2, 29));
  for (const char* bad : {"", "2026-02-29", "2026-13-01", "2026-00-10", "26-01-01", "2026-1-1",
                          "2026-01-01T", "2026/01/01", "+026-01-01"}) {
    EXPECT_FALSE(ParseDay(bad).has_value()) << bad;
  }
  EXPECT_EQ(ParseMinuteOfDay("23:59"), 1439);
  for (const char* bad : {"", "24:00", "12:60", "9:00", "09:00:00", "ab:cd"}) {
    EXPECT_FALSE(ParseMinuteOfDay(bad).has_value()) << bad;
  }
  EXPECT_EQ(FormatDay(absl::CivilDay(2026, 2, 3)), "2026-02-03");
  EXPECT_EQ(FormatMinuteOfDay(65), "01:05");
}

TEST(Recurrence, EachWrongPartIsNamed) {
  const absl::Time now = At("2026-06-15T12:00:00Z");
  const auto param = [now](const RecurrenceRule& rule) {
    const absl::Status status = CheckRule(rule, now);
    EXPECT_TRUE(status.ok() || ReasonOf(status) == Reason::kInvalidSchedule) << status;
    return status.ok() ? "" : DetailOf(status).param;
  };
  RecurrenceRule rule = Rule(Frequency::kMonthly, "2026-06-15");
  EXPECT_EQ(param(rule), "");
  rule.interval = 0;
  EXPECT_EQ(param(rule), "recurrence.interval");
  rule.interval = 101;
  EXPECT_EQ(param(rule), "recurrence.interval");
  rule = Rule(Frequency::kOnce, "2026-06-15", 2);
  EXPECT_EQ(param(rule), "recurrence.interval");
  rule = Rule(Frequency::kMonthly, "2026-06-15");
  for (const int day : {0, 16, 32}) {
    rule.day_of_month = day;
    EXPECT_EQ(param(rule), "recurrence.day_of_month") << day;
  }
  rule = Rule(Frequency::kDaily, "2026-06-15");
  rule.day_of_month = 15;
  EXPECT_EQ(param(rule), "recurrence.day_of_month");
  EXPECT_EQ(param(Rule(Frequency::kDaily, "2025-06-14")), "");
  EXPECT_EQ(param(Rule(Frequency::kDaily, "2025-06-13")), "recurrence.first_date");
  EXPECT_EQ(param(Rule(Frequency::kDaily, "2036-06-15")), "");
  EXPECT_EQ(param(Rule(Frequency::kDaily, "2036-06-16")), "recurrence.first_date");
  rule = Rule(Frequency::kDaily, "2026-06-15");
  rule.last_day = rule.first_day - 1;
  EXPECT_EQ(param(rule), "recurrence.end_date");
  rule.last_day = rule.first_day;
  EXPECT_EQ(param(rule), "");
  rule.count = 1;
  EXPECT_EQ(param(rule), "recurrence.end_date");
  rule.last_day.reset();
  for (const int count : {-1, 0, 10'001}) {
    rule.count = count;
    EXPECT_EQ(param(rule), "recurrence.count") << count;
  }
  rule = Rule(Frequency::kOnce, "2026-06-15");
  rule.count = 1;
  EXPECT_EQ(param(rule), "recurrence.count");
}

class ScheduleTest : public ::testing::Test {
 protected:
  // Daily at 09:00 UTC from 1 June.
  Schedule Daily(CatchUp catch_up) {
    Schedule schedule{.schedule_id = SystemIds().NewId(),
                      .user_id = SystemIds().NewId(),
                      .amount = {.minor_units = 1, .currency = *Currency::Parse("EUR")},
                      .rule = Rule(Frequency::kDaily, "2026-06-01"),
                      .catch_up = catch_up};
    schedule.next_time = OccurrenceTime(schedule.rule, 1);
    return schedule;
  }
  static std::string Begun(Schedule& schedule, const std::string& now) {
    std::string text;
    for (const Occurrence& one : BeginDue(schedule, At(now))) {
      text += std::to_string(one.number) + (one.state == OccurrenceState::kSkipped ? "s " : " ");
    }
    return text;
  }
};

TEST_F(ScheduleTest, NothingBeginsBeforeItsTimeAndEachOnce) {
  Schedule schedule = Daily(CatchUp::kAll);
  EXPECT_EQ(Begun(schedule, "2026-06-01T08:59:59Z"), "");
  EXPECT_EQ(Begun(schedule, "2026-06-01T09:00:00Z"), "1 ");
  EXPECT_EQ(Begun(schedule, "2026-06-01T09:00:00Z"), "");
  EXPECT_EQ(schedule.next_time, At("2026-06-02T09:00:00Z"));
}

TEST_F(ScheduleTest, WhatWasMissedIsCaughtUpAsThePolicySays) {
  Schedule all = Daily(CatchUp::kAll);
  EXPECT_EQ(Begun(all, "2026-06-04T10:00:00Z"), "1 2 3 4 ");
  Schedule latest = Daily(CatchUp::kLatestOnly);
  EXPECT_EQ(Begun(latest, "2026-06-04T10:00:00Z"), "1s 2s 3s 4 ");
  Schedule skip = Daily(CatchUp::kSkip);
  EXPECT_EQ(Begun(skip, "2026-06-04T09:15:00Z"), "1s 2s 3s 4 ");
  skip = Daily(CatchUp::kSkip);
  EXPECT_EQ(Begun(skip, "2026-06-04T09:15:01Z"), "1s 2s 3s 4s ");
}

TEST_F(ScheduleTest, ALongPastIsWorkedOffInParts) {
  Schedule schedule = Daily(CatchUp::kAll);
  EXPECT_THAT(BeginDue(schedule, At("2026-12-01T10:00:00Z")), SizeIs(kMostBegunAtOnce));
  EXPECT_THAT(BeginDue(schedule, At("2026-12-01T10:00:00Z")), SizeIs(84));
}

TEST_F(ScheduleTest, EndsAfterTheLastOccurrence) {
  Schedule schedule = Daily(CatchUp::kAll);
  schedule.rule.count = 2;
  EXPECT_EQ(Begun(schedule, "2026-06-01T09:00:00Z"), "1 ");
  EXPECT_EQ(schedule.state, ScheduleState::kActive);
  EXPECT_EQ(Begun(schedule, "2026-06-09T09:00:00Z"), "2 ");
  EXPECT_EQ(schedule.state, ScheduleState::kEnded);
  EXPECT_FALSE(schedule.next_time.has_value());
  for (const auto event : {ScheduleEvent::kCancel, ScheduleEvent::kPause, ScheduleEvent::kResume}) {
    EXPECT_THAT(Apply(schedule, event, At("2026-06-09T09:00:00Z")),
                StatusHasReason(Reason::kScheduleEnded));
  }
}

TEST_F(ScheduleTest, NothingBeginsWhilePausedAndWhatFellDueIsLeftOut) {
  Schedule schedule = Daily(CatchUp::kAll);
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kPause, At("2026-05-30T00:00:00Z")), IsOk());
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kPause, At("2026-05-31T00:00:00Z")), IsOk());
  EXPECT_EQ(schedule.update_time, At("2026-05-30T00:00:00Z"));
  EXPECT_EQ(Begun(schedule, "2026-06-03T10:00:00Z"), "");
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kResume, At("2026-06-03T10:00:00Z")), IsOk());
  EXPECT_EQ(Begun(schedule, "2026-06-03T10:00:00Z"), "");
  EXPECT_EQ(Begun(schedule, "2026-06-04T10:00:00Z"), "4 ");
}

TEST_F(ScheduleTest, ResumingAfterTheLastOccurrenceEndsIt) {
  Schedule schedule = Daily(CatchUp::kAll);
  schedule.rule.count = 1;
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kPause, At("2026-05-30T00:00:00Z")), IsOk());
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kResume, At("2026-06-03T10:00:00Z")), IsOk());
  EXPECT_EQ(schedule.state, ScheduleState::kEnded);
}

TEST_F(ScheduleTest, CancelingIsFinalAndMayBeRepeated) {
  Schedule schedule = Daily(CatchUp::kAll);
  const absl::Time now = At("2026-06-03T10:00:00Z");
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kCancel, now), IsOk());
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kCancel, now), IsOk());
  EXPECT_THAT(Apply(schedule, ScheduleEvent::kResume, now),
              StatusHasReason(Reason::kScheduleEnded));
  EXPECT_THAT(BeginDue(schedule, now), IsEmpty());
}

TEST_F(ScheduleTest, NoClientCanSendTheKeyOfAnOccurrence) {
  const std::string key = OccurrenceKey(Uuid(), 3);
  EXPECT_NE(key.find(' '), std::string::npos);
  EXPECT_NE(key, OccurrenceKey(Uuid(), 4));
}

TEST_F(ScheduleTest, TheFingerprintHasEveryPart) {
  const Schedule schedule = Daily(CatchUp::kAll);
  std::vector<Schedule> others(9, schedule);
  others[0].catch_up = CatchUp::kSkip;
  others[1].rule.frequency = Frequency::kWeekly;
  others[2].rule.interval = 2;
  others[3].rule.first_day += 1;
  others[4].rule.minute_of_day += 1;
  others[5].rule.zone_name = "Europe/Berlin";
  others[6].rule.count = 3;
  others[7].rule.last_day = schedule.rule.first_day;
  others[8].amount.minor_units += 1;
  for (const Schedule& other : others) {
    EXPECT_NE(CanonicalSchedule(other), CanonicalSchedule(schedule));
  }
}

}  // namespace
}  // namespace florin::payments
