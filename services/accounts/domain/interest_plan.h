// Plans of interest and charges, which accounts have them when, and what becomes of an account's
// day under its plan. Days are those of the plan's time zone; a period of interest is a month of
// the calendar, or what of it an account had the plan. Pure.
//
// Nothing is rounded away: an account carries on what it has accrued, in parts of a minor unit
// (interest.h), and whole units are booked out of that when a period ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/interest.h"

namespace florin::accounts {

// So long after its end a day is closed: whatever commits has its time from before.
inline constexpr absl::Duration kDayCloses = absl::Minutes(10);
// A booking that the ledger refuses is tried again each day, so often in all.
inline constexpr int kMostBookingAttempts = 30;
inline constexpr absl::Duration kBookingPause = absl::Hours(24);

// A version of a plan. Of all versions of a plan the currency, the kind and the time zone are the
// same. On a day the last version that is effective by then is in force.
struct InterestPlan {
  std::string plan_id;  // The operator's name of it: 1 to 40 of a-z, 0-9, `_` and `-`.
  int version = 1;      // 1, 2, 3, …
  std::string currency;
  std::optional<AccountKind> account_kind = {};  // Of the accounts that may have it; any.
  std::string time_zone = "UTC";
  absl::CivilDay effective_date = {};
  InterestTerms terms = {};
  std::int64_t monthly_fee_minor = 0;  // Charged at the end of a month, if the account has it then.

  friend bool operator==(const InterestPlan& a, const InterestPlan& b) {
    return a.plan_id == b.plan_id && a.version == b.version && a.currency == b.currency &&
           a.account_kind == b.account_kind && a.time_zone == b.time_zone &&
           a.effective_date == b.effective_date && a.terms.convention == b.terms.convention &&
           a.terms.credit_rate == b.terms.credit_rate && a.terms.debit_rate == b.terms.debit_rate &&
           a.monthly_fee_minor == b.monthly_fee_minor;
  }
};

// Whether the version can be there at all. Errors: kInvalidField with param; kUnknownCurrency.
absl::Status CheckPlan(const InterestPlan& plan);
// Whether `plan` may follow `latest` (nothing: there is no such plan), on a day that is `today`
// where the plan is. Errors: kInvalidField with param: `version` unless it is the next one;
// `currency`, `account_kind`, `time_zone` if it changes; `effective_date` unless it is after today,
// which only the first version may be otherwise.
absl::Status CheckNextVersion(const std::optional<InterestPlan>& latest, const InterestPlan& plan,
                              absl::CivilDay today);

// From this day on the account has this plan, until a later assignment; none if it is empty.
struct InterestAssignment {
  Uuid account_id;
  absl::CivilDay from_date;
  std::string plan_id;

  friend bool operator==(const InterestAssignment&, const InterestAssignment&) = default;
};

// What an assignment is judged by.
struct AssignmentFacts {
  std::string currency;  // Of the account.
  AccountKind account_kind = AccountKind::kWallet;
  bool closed = false;
  std::optional<InterestPlan> first_version = {};  // Of the plan, if there is one.
  std::optional<InterestAssignment> latest = {};   // Of the account.
};
// Errors: kInterestPlanNotFound; kInvalidField with param `plan_id`, for a plan that accounts of
// this kind may not have, or none where there is nothing to end; with param `from_date` unless it
// is after `today`, after the latest assignment and when the plan is effective; kCurrencyMismatch;
// kAccountClosed.
absl::Status CheckAssignment(const AssignmentFacts& facts, const InterestAssignment& assignment,
                             absl::CivilDay today);

enum class BookingKind { kInterest, kFee };
std::string_view NameOf(BookingKind kind);  // "interest", "fee"
absl::StatusOr<BookingKind> ParseBookingKind(std::string_view name);
// kDue until the ledger has decided it; kUnpaid where it refused for good.
enum class BookingState { kDue, kPosted, kUnpaid };
std::string_view NameOf(BookingState state);  // "due", "posted", "unpaid"
absl::StatusOr<BookingState> ParseBookingState(std::string_view name);

// What is booked for a period: one for each account, last day and kind.
struct InterestBooking {
  Uuid account_id;
  absl::CivilDay last_day;  // Of the period.
  BookingKind kind = BookingKind::kInterest;
  std::string plan_id;
  std::string currency;
  std::int64_t amount_minor = 0;  // Positive: the house pays the account; negative: it is charged.
  BookingState state = BookingState::kDue;
  int attempt = 1;
  std::string reason = {};  // Why the attempt before was refused.
  std::string book = {};    // The account's, as of Account: empty is the usual one.

  friend bool operator==(const InterestBooking&, const InterestBooking&) = default;
};
// The key of the transaction's metadata that has the plan, and so tells it from what people do.
inline constexpr char kInterestMetadata[] = "interest_plan";
// The id of the ledger's transaction, of each attempt another one.
Uuid TransactionIdOf(const InterestBooking& booking);
// What becomes of it when the ledger has decided the attempt: `refusal` is empty where it
// committed.
InterestBooking AfterDecision(InterestBooking booking, std::string_view refusal);

// The house's side of bookings: one account for each currency, in each book under the same id.
enum class InterestHouse { kExpense, kIncome, kFees };
struct InterestHouseAccount {
  InterestHouse role = InterestHouse::kExpense;
  std::string currency;

  friend auto operator<=>(const InterestHouseAccount&, const InterestHouseAccount&) = default;
};
InterestHouseAccount HouseOf(const InterestBooking& booking);
Uuid HouseAccountId(const InterestHouseAccount& account);
bool IsDebitNormal(InterestHouse role);  // An expense.

// A day of an account that is over, as it is found.
struct DueInterest {
  Uuid account_id;
  absl::CivilDay day;
  Int128 carried = 0;
  int revision = 0;     // Of the account's progress: what was decided before another is void.
  bool closed = false;  // The account.
  std::optional<InterestPlan> plan = {};  // In force that day.
  std::string next_plan_id = {};          // The day after; empty: none.
  std::string next_time_zone = "UTC";
  bool more_follows = false;  // An assignment from after the next day on.
  std::string book = {};      // The account's, as of Account: empty is the usual one.
};

// What becomes of it.
struct InterestDay {
  Uuid account_id;
  absl::CivilDay day;
  int revision = 0;
  std::string plan_id = {};  // Empty: nothing accrues.
  int plan_version = 0;
  std::int64_t balance_minor = 0;
  Int128 parts = 0;
  std::int64_t booked_minor = 0;  // Taken out of what is carried.
  Int128 carried = 0;             // Afterwards.
  std::vector<InterestBooking> bookings = {};
  absl::CivilDay next_day = {};
  absl::Time due_time;  // When that one is closed; infinite: nothing is to come.
};

// When `day` is over and closed, where the clock shows `zone`.
absl::Time ClosingTime(absl::CivilDay day, absl::TimeZone zone);
// The last instant of `day` that counts, to the microsecond.
absl::Time LastInstant(absl::CivilDay day, absl::TimeZone zone);
// `balance_minor` at the end of the day; `next_zone` is the zone of `next_time_zone`. Nothing
// accrues to a closed account: it is looked at no more. Error: kInternal, for terms that are none.
absl::StatusOr<InterestDay> DecideDay(const DueInterest& due, std::int64_t balance_minor,
                                      absl::TimeZone next_zone);

// Decimal digits with a sign.
std::string TextOf(Int128 parts);
// Error: kInternal.
absl::StatusOr<Int128> ParseParts(std::string_view text);

}  // namespace florin::accounts
