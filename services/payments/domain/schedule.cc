#include "services/payments/domain/schedule.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

constexpr std::array kFrequencies = {std::pair(Frequency::kOnce, std::string_view("once")),
                                     std::pair(Frequency::kDaily, std::string_view("daily")),
                                     std::pair(Frequency::kWeekly, std::string_view("weekly")),
                                     std::pair(Frequency::kMonthly, std::string_view("monthly")),
                                     std::pair(Frequency::kYearly, std::string_view("yearly"))};
constexpr std::array kCatchUps = {std::pair(CatchUp::kAll, std::string_view("all")),
                                  std::pair(CatchUp::kLatestOnly, std::string_view("latest_only")),
                                  std::pair(CatchUp::kSkip, std::string_view("skip"))};
constexpr std::array kStates = {
    std::pair(ScheduleState::kActive, std::string_view("active")),
    std::pair(ScheduleState::kPaused, std::string_view("paused")),
    std::pair(ScheduleState::kCanceled, std::string_view("canceled")),
    std::pair(ScheduleState::kEnded, std::string_view("ended")),
    std::pair(ScheduleState::kRequiresAction, std::string_view("requires_action"))};
constexpr std::array kEvents = {std::pair(ScheduleEvent::kPause, std::string_view("pause")),
                                std::pair(ScheduleEvent::kResume, std::string_view("resume")),
                                std::pair(ScheduleEvent::kCancel, std::string_view("cancel"))};
constexpr std::array kOccurrenceStates = {
    std::pair(OccurrenceState::kPending, std::string_view("pending")),
    std::pair(OccurrenceState::kSucceeded, std::string_view("succeeded")),
    std::pair(OccurrenceState::kFailed, std::string_view("failed")),
    std::pair(OccurrenceState::kSkipped, std::string_view("skipped")),
    std::pair(OccurrenceState::kRequiresAction, std::string_view("requires_action"))};

template <class Table, class Value>
std::string_view NameIn(const Table& table, Value value) {
  return std::ranges::find(table, value, &Table::value_type::first)->second;
}

template <class Value, class Table>
absl::StatusOr<Value> ValueIn(const Table& table, std::string_view name) {
  const auto row = std::ranges::find(table, name, &Table::value_type::second);
  if (row == table.end()) return Error(Reason::kInternal, "no such name is stored");
  return row->first;
}

int DaysIn(absl::CivilMonth month) {
  return static_cast<int>(absl::CivilDay(month + 1) - absl::CivilDay(month));
}

// The day of that number, or the last one of a shorter month.
absl::CivilDay DayIn(absl::CivilMonth month, int day) {
  return absl::CivilDay(month.year(), month.month(), std::min(day, DaysIn(month)));
}

absl::Status Invalid(std::string_view why, std::string_view param) {
  return Error(Reason::kInvalidSchedule, why, {.param = "recurrence." + std::string(param)});
}

// Digits where `shape` has 9, and its own characters elsewhere.
bool HasShape(std::string_view text, std::string_view shape) {
  return std::ranges::equal(text, shape, [](char c, char expected) {
    return expected == '9' ? c >= '0' && c <= '9' : c == expected;
  });
}

int NumberAt(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  for (const char c : text.substr(at, digits)) number = number * 10 + (c - '0');
  return number;
}

std::string Padded(std::int64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size()) + ':';
  out += field;
  out += ';';
}

absl::Status CheckEnd(const RecurrenceRule& rule) {
  const bool once = rule.frequency == Frequency::kOnce;
  if (rule.last_day && (once || rule.count)) {
    return Invalid("an end date or a count, and neither of what happens once", "end_date");
  }
  if (rule.last_day && *rule.last_day < rule.first_day) {
    return Invalid("it ends before it begins", "end_date");
  }
  if (rule.count && (once || *rule.count < 1 || *rule.count > kMostOccurrences)) {
    return Invalid("1 to 10,000, and none of what happens once", "count");
  }
  return absl::OkStatus();
}

// Moves on to the next occurrence, or to none.
void Step(Schedule& schedule) {
  ++schedule.next_number;
  schedule.next_time = OccurrenceTime(schedule.rule, schedule.next_number);
}

void End(Schedule& schedule, absl::Time now) {
  schedule.state = ScheduleState::kEnded;
  schedule.update_time = now;
}

std::string_view UnitOf(Frequency frequency) {
  switch (frequency) {
    case Frequency::kOnce:
    case Frequency::kDaily:
      break;
    case Frequency::kWeekly:
      return "week";
    case Frequency::kMonthly:
      return "month";
    case Frequency::kYearly:
      return "year";
  }
  return "day";
}

bool IsSkipped(const Schedule& schedule, absl::Time now) {
  if (schedule.catch_up == CatchUp::kSkip) return now - *schedule.next_time > kPunctual;
  if (schedule.catch_up == CatchUp::kAll) return false;
  const auto following = OccurrenceTime(schedule.rule, schedule.next_number + 1);
  return following && *following <= now;
}

}  // namespace

std::string_view NameOf(Frequency frequency) { return NameIn(kFrequencies, frequency); }
std::string_view NameOf(CatchUp catch_up) { return NameIn(kCatchUps, catch_up); }
std::string_view NameOf(ScheduleState state) { return NameIn(kStates, state); }
std::string_view NameOf(ScheduleEvent event) { return NameIn(kEvents, event); }
std::string_view NameOf(OccurrenceState state) { return NameIn(kOccurrenceStates, state); }
absl::StatusOr<Frequency> ParseFrequency(std::string_view name) {
  return ValueIn<Frequency>(kFrequencies, name);
}
absl::StatusOr<CatchUp> ParseCatchUp(std::string_view name) {
  return ValueIn<CatchUp>(kCatchUps, name);
}
absl::StatusOr<ScheduleState> ParseScheduleState(std::string_view name) {
  return ValueIn<ScheduleState>(kStates, name);
}
absl::StatusOr<OccurrenceState> ParseOccurrenceState(std::string_view name) {
  return ValueIn<OccurrenceState>(kOccurrenceStates, name);
}

bool IsZoneName(std::string_view name) {
  if (name == "UTC") return true;
  if (name.size() > 64 || name.find('/') == std::string_view::npos) return false;
  if (name.starts_with("posix/") || name.starts_with("right/")) return false;
  bool starts = true;
  for (const char c : name) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool other = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
    if (!letter && (starts || (!other && c != '/'))) return false;
    starts = c == '/';
  }
  return !starts;
}

std::optional<absl::CivilDay> ParseDay(std::string_view text) {
  if (!HasShape(text, "9999-99-99")) return std::nullopt;
  const int year = NumberAt(text, 0, 4);
  const int month = NumberAt(text, 5, 2);
  const int day = NumberAt(text, 8, 2);
  const absl::CivilDay parsed(year, month, day);
  if (parsed.year() != year || parsed.month() != month || parsed.day() != day) return std::nullopt;
  return parsed;
}

std::optional<int> ParseMinuteOfDay(std::string_view text) {
  if (!HasShape(text, "99:99")) return std::nullopt;
  const int hour = NumberAt(text, 0, 2);
  const int minute = NumberAt(text, 3, 2);
  if (hour > 23 || minute > 59) return std::nullopt;
  return hour * 60 + minute;
}

std::string FormatDay(absl::CivilDay day) {
  return Padded(day.year(), 4) + '-' + Padded(day.month(), 2) + '-' + Padded(day.day(), 2);
}

std::string FormatMinuteOfDay(int minute) {
  return Padded(minute / 60, 2) + ':' + Padded(minute % 60, 2);
}

absl::Status CheckRule(const RecurrenceRule& rule, absl::Time now) {
  const bool once = rule.frequency == Frequency::kOnce;
  const bool monthly = rule.frequency == Frequency::kMonthly;
  if (rule.interval < 1 || rule.interval > kLargestInterval || (once && rule.interval != 1)) {
    return Invalid("1 to 100, and none of what happens once", "interval");
  }
  if (monthly ? rule.day_of_month < 1 || rule.day_of_month > 31 : rule.day_of_month != 0) {
    return Invalid("1 to 31, and only of what happens monthly", "day_of_month");
  }
  if (monthly && rule.first_day != DayIn(absl::CivilMonth(rule.first_day), rule.day_of_month)) {
    return Invalid("the first date is not such a day", "day_of_month");
  }
  const absl::CivilDay today = absl::ToCivilDay(now, rule.zone);
  if (today - rule.first_day > kMostDaysAgo) return Invalid("too long ago", "first_date");
  if (rule.first_day > absl::CivilDay(today.year() + 10, today.month(), today.day())) {
    return Invalid("too far ahead", "first_date");
  }
  return CheckEnd(rule);
}

std::optional<absl::CivilDay> OccurrenceDay(const RecurrenceRule& rule, int number) {
  if (rule.frequency == Frequency::kOnce && number > 1) return std::nullopt;
  if (rule.count && number > *rule.count) return std::nullopt;
  const std::int64_t steps = static_cast<std::int64_t>(number - 1) * rule.interval;
  absl::CivilDay day = rule.first_day;
  switch (rule.frequency) {
    case Frequency::kOnce:
      break;
    case Frequency::kDaily:
      day += steps;
      break;
    case Frequency::kWeekly:
      day += 7 * steps;
      break;
    case Frequency::kMonthly:
      day = DayIn(absl::CivilMonth(rule.first_day) + steps, rule.day_of_month);
      break;
    case Frequency::kYearly:
      day = DayIn(absl::CivilMonth(rule.first_day.year() + steps, rule.first_day.month()),
                  rule.first_day.day());
      break;
  }
  if (rule.last_day && day > *rule.last_day) return std::nullopt;
  // What dates are written with.
  if (day.year() > 9999) return std::nullopt;
  return day;
}

std::optional<absl::Time> OccurrenceTime(const RecurrenceRule& rule, int number) {
  const std::optional<absl::CivilDay> day = OccurrenceDay(rule, number);
  if (!day) return std::nullopt;
  const absl::CivilSecond local(day->year(), day->month(), day->day(), rule.minute_of_day / 60,
                                rule.minute_of_day % 60, 0);
  // By the offset before a change of the clock, if the time is left out or repeated.
  return rule.zone.At(local).pre;
}

PaymentRequest PaymentOf(const Schedule& schedule) {
  return {.kind = Kind::kTransfer,
          .source_account_id = schedule.source_account_id,
          .destination_account_id = schedule.destination_account_id,
          .amount = schedule.amount,
          .reference = schedule.reference};
}

std::string OccurrenceKey(const Uuid& schedule_id, int number) {
  return "occurrence " + FormatId(IdKind::kSchedule, schedule_id) + ' ' + std::to_string(number);
}

std::string CanonicalSchedule(const Schedule& schedule) {
  const RecurrenceRule& rule = schedule.rule;
  std::string out = CanonicalRequest(PaymentOf(schedule));
  AppendField(out, NameOf(rule.frequency));
  AppendField(out, std::to_string(rule.interval));
  AppendField(out, std::to_string(rule.day_of_month));
  AppendField(out, FormatDay(rule.first_day));
  AppendField(out, FormatMinuteOfDay(rule.minute_of_day));
  AppendField(out, rule.zone_name);
  AppendField(out, rule.last_day ? FormatDay(*rule.last_day) : "");
  AppendField(out, rule.count ? std::to_string(*rule.count) : "");
  AppendField(out, NameOf(schedule.catch_up));
  return out;
}

std::vector<Occurrence> BeginDue(Schedule& schedule, absl::Time now) {
  std::vector<Occurrence> begun;
  while (schedule.state == ScheduleState::kActive && begun.size() < kMostBegunAtOnce &&
         schedule.next_time && *schedule.next_time <= now) {
    begun.push_back(
        {.schedule_id = schedule.schedule_id,
         .user_id = schedule.user_id,
         .number = schedule.next_number,
         .due_time = *schedule.next_time,
         .state = IsSkipped(schedule, now) ? OccurrenceState::kSkipped : OccurrenceState::kPending,
         .payment_id = Uuid(),
         .failure_reason = ""});
    Step(schedule);
    if (!schedule.next_time) End(schedule, now);
  }
  return begun;
}

std::string TermsOf(const Schedule& schedule) {
  const RecurrenceRule& rule = schedule.rule;
  const std::string first = FormatDay(rule.first_day) + " at " +
                            FormatMinuteOfDay(rule.minute_of_day) + ' ' + rule.zone_name;
  if (rule.frequency == Frequency::kOnce) return "Once, on " + first;
  std::string often = std::string(UnitOf(rule.frequency));
  if (rule.interval > 1) often = std::to_string(rule.interval) + ' ' + often + 's';
  if (rule.frequency == Frequency::kMonthly) {
    often += " on day " + std::to_string(rule.day_of_month);
  }
  std::string end = "until canceled";
  if (rule.last_day) end = "until " + FormatDay(*rule.last_day);
  if (rule.count) end = std::to_string(*rule.count) + (*rule.count == 1 ? " time" : " times");
  return "Every " + often + " from " + first + ", " + end;
}

void Start(Schedule& schedule, std::string binding, absl::Time now) {
  FLORIN_CHECK(schedule.state == ScheduleState::kRequiresAction && schedule.approval,
               "only a schedule that requires action is started");
  schedule.state = ScheduleState::kActive;
  schedule.approval->approved_binding = std::move(binding);
  schedule.update_time = now;
}

void GiveUp(Schedule& schedule, Reason reason, absl::Time now) {
  FLORIN_CHECK(schedule.state == ScheduleState::kRequiresAction,
               "only a schedule that requires action is given up");
  schedule.state = ScheduleState::kCanceled;
  schedule.cancel_reason = InfoOf(reason).name;
  schedule.next_time.reset();
  schedule.update_time = now;
}

absl::Status Apply(Schedule& schedule, ScheduleEvent event, absl::Time now) {
  const bool cancel = event == ScheduleEvent::kCancel;
  if (cancel && schedule.state == ScheduleState::kCanceled) return absl::OkStatus();
  if (schedule.state == ScheduleState::kCanceled || schedule.state == ScheduleState::kEnded) {
    return Error(Reason::kScheduleEnded, "the schedule has ended");
  }
  if (!cancel && schedule.state == ScheduleState::kRequiresAction) {
    return Error(Reason::kApprovalPending, "the schedule waits for its payer's approval");
  }
  const ScheduleState to = cancel                           ? ScheduleState::kCanceled
                           : event == ScheduleEvent::kPause ? ScheduleState::kPaused
                                                            : ScheduleState::kActive;
  if (to == schedule.state) return absl::OkStatus();
  schedule.state = to;
  schedule.update_time = now;
  if (cancel) schedule.next_time.reset();
  if (to != ScheduleState::kActive) return absl::OkStatus();
  while (schedule.next_time && *schedule.next_time <= now) Step(schedule);
  if (!schedule.next_time) End(schedule, now);
  return absl::OkStatus();
}

}  // namespace florin::payments
