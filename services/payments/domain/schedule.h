// When scheduled payments are due, and what becomes of a schedule as time passes: rules over
// values. A time zone is a value, too, that whoever reads the schedule has loaded.
//
// Occurrence n follows from the first day alone, never from the one before, so that month ends do
// not drift: 31 January, 28 February, 31 March.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/payments/domain/order_approval.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

enum class Frequency { kOnce, kDaily, kWeekly, kMonthly, kYearly };
enum class CatchUp { kAll, kLatestOnly, kSkip };
// kRequiresAction: its payer must approve it first.
enum class ScheduleState { kActive, kPaused, kCanceled, kEnded, kRequiresAction };
enum class ScheduleEvent { kPause, kResume, kCancel };
enum class OccurrenceState { kPending, kSucceeded, kFailed, kSkipped, kRequiresAction };

// Names as they are stored: "monthly", "latest_only", "active", "cancel", "pending", … Parsing
// gives kInternal for any other text.
std::string_view NameOf(Frequency frequency);
std::string_view NameOf(CatchUp catch_up);
std::string_view NameOf(ScheduleState state);
std::string_view NameOf(ScheduleEvent event);
std::string_view NameOf(OccurrenceState state);
absl::StatusOr<Frequency> ParseFrequency(std::string_view name);
absl::StatusOr<CatchUp> ParseCatchUp(std::string_view name);
absl::StatusOr<ScheduleState> ParseScheduleState(std::string_view name);
absl::StatusOr<OccurrenceState> ParseOccurrenceState(std::string_view name);

inline constexpr int kLargestInterval = 100;
inline constexpr int kMostOccurrences = 10'000;
inline constexpr int kMostDaysAgo = 366;
// What is later than this is skipped by CatchUp::kSkip: more than a worker's ordinary delay.
inline constexpr absl::Duration kPunctual = absl::Minutes(15);
// Occurrences that begin at once, so that a long past is worked off in parts.
inline constexpr int kMostBegunAtOnce = 100;

struct RecurrenceRule {
  Frequency frequency = Frequency::kOnce;
  int interval = 1;
  int day_of_month = 0;  // Of kMonthly: 1 to 31.
  absl::CivilDay first_day;
  int minute_of_day = 0;
  std::string zone_name;  // As it was asked for.
  absl::TimeZone zone;    // What it stands for.
  std::optional<absl::CivilDay> last_day;
  std::optional<int> count;

  friend bool operator==(const RecurrenceRule&, const RecurrenceRule&) = default;
};

// Whether `name` is spelled as a name of the IANA database that may be loaded: `UTC`, or parts of
// letters, digits, `_`, `-` and `+` between slashes. Anything else could be a path.
bool IsZoneName(std::string_view name);
// "2026-02-28", "09:30": exactly so, and existing.
std::optional<absl::CivilDay> ParseDay(std::string_view text);
std::optional<int> ParseMinuteOfDay(std::string_view text);
std::string FormatDay(absl::CivilDay day);
std::string FormatMinuteOfDay(int minute);

// What schedules.proto says of a Recurrence. Error: kInvalidSchedule with the param to blame.
absl::Status CheckRule(const RecurrenceRule& rule, absl::Time now);

// The day of occurrence `number`, from 1, and when it is due; nothing after the last one.
std::optional<absl::CivilDay> OccurrenceDay(const RecurrenceRule& rule, int number);
std::optional<absl::Time> OccurrenceTime(const RecurrenceRule& rule, int number);

struct Schedule {
  Uuid schedule_id;
  Uuid user_id;
  ScheduleState state = ScheduleState::kActive;
  Uuid source_account_id;
  Uuid destination_account_id;
  Money amount;
  std::string reference;  // As Payment::reference.
  RecurrenceRule rule;
  CatchUp catch_up = CatchUp::kAll;
  int next_number = 1;
  std::optional<absl::Time> next_time;  // Of `next_number`; nothing: there is none.
  absl::Time create_time;
  absl::Time update_time;
  std::optional<OrderTerms> approval = {};  // Nothing: made without.
  std::string cancel_reason = {};  // Name of the reason where auth's answer has canceled it.

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

struct Occurrence {
  Uuid schedule_id;
  Uuid user_id;
  int number = 0;
  absl::Time due_time;
  OccurrenceState state = OccurrenceState::kPending;
  Uuid payment_id;  // Nil: none was made.
  std::string failure_reason;

  friend bool operator==(const Occurrence&, const Occurrence&) = default;
};

// The payment of each occurrence.
PaymentRequest PaymentOf(const Schedule& schedule);
// The key under which it is made: no client can send it, since it has a space.
std::string OccurrenceKey(const Uuid& schedule_id, int number);

// As CanonicalRequest() of a payment.
std::string CanonicalSchedule(const Schedule& schedule);

// Begins what is due at `now`, as the catch-up policy says, at most kMostBegunAtOnce, and moves the
// schedule on to what comes next; ends it after the last one. Only an active one begins anything.
std::vector<Occurrence> BeginDue(Schedule& schedule, absl::Time now);

// What its payer is shown of when it pays: "Every 2 weeks from 2026-12-01 at 09:00 Europe/Berlin,
// 12 times". Plain text of at most 200 characters.
std::string TermsOf(const Schedule& schedule);

// After its approval was redeemed for `binding`: it must require action, and begins.
void Start(Schedule& schedule, std::string binding, absl::Time now);
// After auth refused its approval for good: it must require action, and is canceled.
void GiveUp(Schedule& schedule, Reason reason, absl::Time now);

// What its user does. Pausing a paused one, … changes nothing; resuming goes on with what is not
// due yet. Errors: kScheduleEnded for one that was canceled or has ended, but canceling a canceled
// one changes nothing; kApprovalPending for one that requires action, but it may be canceled.
absl::Status Apply(Schedule& schedule, ScheduleEvent event, absl::Time now);

}  // namespace florin::payments
