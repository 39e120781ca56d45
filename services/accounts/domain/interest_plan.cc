#include "services/accounts/domain/interest_plan.h"

#include <algorithm>

namespace florin::accounts {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::size_t kLongestPlanId = 40;
// More than any account's fee, and less than what overflows anything.
constexpr std::int64_t kMostFee = 1'000'000'000'000;

absl::Status Invalid(std::string_view param, std::string_view what) {
  return Error(Reason::kInvalidField, std::string(what), {.param = std::string(param)});
}

bool IsPlanId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestPlanId && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool IsRate(std::int64_t rate) { return rate >= 0 && rate <= kMillion; }

std::string DateOf(absl::CivilDay day) { return absl::FormatCivilTime(day); }

bool EndsMonth(absl::CivilDay day) { return (day + 1).month() != day.month(); }

template <class Enum>
absl::StatusOr<Enum> ParseName(std::string_view name, std::initializer_list<Enum> all) {
  for (const Enum one : all) {
    if (NameOf(one) == name) return one;
  }
  return Error(Reason::kInternal, "no such name of a booking");
}

// Books whole units out of what is carried.
absl::Status EndPeriod(const DueInterest& due, InterestDay& day) {
  const std::optional<Capitalised> over = Capitalise(day.carried);
  if (!over) return Error(Reason::kInternal, "more interest than can be booked");
  day.booked_minor = over->booked_minor;
  day.carried = over->carried_parts;
  if (day.booked_minor == 0) return absl::OkStatus();
  day.bookings.push_back({.account_id = due.account_id,
                          .last_day = due.day,
                          .kind = BookingKind::kInterest,
                          .plan_id = due.plan->plan_id,
                          .currency = due.plan->currency,
                          .amount_minor = day.booked_minor,
                          .book = due.book});
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckPlan(const InterestPlan& plan) {
  if (!IsPlanId(plan.plan_id)) return Invalid("plan_id", "1 to 40 of a-z, 0-9, _ and -");
  if (plan.version < 1) return Invalid("version", "1, 2, 3, …");
  FLORIN_RETURN_IF_ERROR(CheckCurrency(plan.currency).status());
  if (!IsRate(plan.terms.credit_rate)) return Invalid("credit_rate_ppm", "0 to a million");
  if (!IsRate(plan.terms.debit_rate)) return Invalid("debit_rate_ppm", "0 to a million");
  if (plan.monthly_fee_minor < 0 || plan.monthly_fee_minor > kMostFee) {
    return Invalid("monthly_fee_minor", "0 to a million millions");
  }
  const int year = static_cast<int>(plan.effective_date.year());
  if (year < 1970 || year > 9999) return Invalid("effective_date", "a date like 2026-02-28");
  return absl::OkStatus();
}

absl::Status CheckNextVersion(const std::optional<InterestPlan>& latest, const InterestPlan& plan,
                              absl::CivilDay today) {
  if (plan.version != (latest ? latest->version + 1 : 1)) {
    return Invalid("version", "the next one after those that there are");
  }
  if (!latest) return absl::OkStatus();
  if (plan.currency != latest->currency) return Invalid("currency", "a plan keeps its currency");
  if (plan.account_kind != latest->account_kind) {
    return Invalid("account_kind", "a plan keeps its kind of accounts");
  }
  if (plan.time_zone != latest->time_zone) {
    return Invalid("time_zone", "a plan keeps its time zone");
  }
  if (plan.effective_date <= today) return Invalid("effective_date", "a day that is to come");
  return absl::OkStatus();
}

absl::Status CheckAssignment(const AssignmentFacts& facts, const InterestAssignment& assignment,
                             absl::CivilDay today) {
  if (facts.closed) return Error(Reason::kAccountClosed, "closed", {.param = "account_id"});
  if (!assignment.plan_id.empty()) {
    if (!facts.first_version) {
      return Error(Reason::kInterestPlanNotFound, "no such plan", {.param = "plan_id"});
    }
    const InterestPlan& plan = *facts.first_version;
    if (plan.currency != facts.currency) {
      return Error(Reason::kCurrencyMismatch, "the plan is for another currency",
                   {.param = "plan_id"});
    }
    if (plan.account_kind && *plan.account_kind != facts.account_kind) {
      return Invalid("plan_id", "the plan is for accounts of another kind");
    }
    if (assignment.from_date < plan.effective_date) {
      return Invalid("from_date", "the plan is not effective by then");
    }
  } else if (!facts.latest) {
    return Invalid("plan_id", "the account has no plan that could end");
  }
  if (assignment.from_date <= today) return Invalid("from_date", "a day that is to come");
  if (facts.latest && assignment.from_date <= facts.latest->from_date) {
    return Invalid("from_date", "the account has an assignment from a later day on");
  }
  return absl::OkStatus();
}

std::string_view NameOf(BookingKind kind) {
  return kind == BookingKind::kInterest ? "interest" : "fee";
}

absl::StatusOr<BookingKind> ParseBookingKind(std::string_view name) {
  return ParseName(name, {BookingKind::kInterest, BookingKind::kFee});
}

std::string_view NameOf(BookingState state) {
  constexpr std::string_view kNames[] = {"due", "posted", "unpaid"};
  return kNames[static_cast<std::size_t>(state)];
}

absl::StatusOr<BookingState> ParseBookingState(std::string_view name) {
  return ParseName(name, {BookingState::kDue, BookingState::kPosted, BookingState::kUnpaid});
}

Uuid TransactionIdOf(const InterestBooking& booking) {
  return DeriveId("florin.accounts.interest", booking.account_id.ToString() + " " +
                                                  booking.plan_id + " " + DateOf(booking.last_day) +
                                                  " " + std::string(NameOf(booking.kind)) + " " +
                                                  std::to_string(booking.attempt));
}

InterestBooking AfterDecision(InterestBooking booking, std::string_view refusal) {
  if (booking.state != BookingState::kDue) return booking;
  if (refusal.empty()) {
    booking.state = BookingState::kPosted;
    booking.reason.clear();
    return booking;
  }
  booking.reason = std::string(refusal);
  const bool for_good = refusal == InfoOf(Reason::kAccountClosed).name;
  if (for_good || booking.attempt >= kMostBookingAttempts) {
    booking.state = BookingState::kUnpaid;
  } else {
    ++booking.attempt;
  }
  return booking;
}

InterestHouseAccount HouseOf(const InterestBooking& booking) {
  InterestHouse role = InterestHouse::kFees;
  if (booking.kind == BookingKind::kInterest) {
    role = booking.amount_minor > 0 ? InterestHouse::kExpense : InterestHouse::kIncome;
  }
  return {.role = role, .currency = booking.currency};
}

Uuid HouseAccountId(const InterestHouseAccount& account) {
  constexpr std::string_view kNumbers[] = {"5300", "4300", "4010"};
  return DeriveId(
      "florin.accounts.house",
      std::string(kNumbers[static_cast<std::size_t>(account.role)]) + ":" + account.currency);
}

bool IsDebitNormal(InterestHouse role) { return role == InterestHouse::kExpense; }

absl::Time LastInstant(absl::CivilDay day, absl::TimeZone zone) {
  // As the days of statements (account_statement.h).
  return absl::FromCivil(day + 1, zone) - absl::Microseconds(1);
}

absl::Time ClosingTime(absl::CivilDay day, absl::TimeZone zone) {
  return LastInstant(day, zone) + absl::Microseconds(1) + kDayCloses;
}

absl::StatusOr<InterestDay> DecideDay(const DueInterest& due, std::int64_t balance_minor,
                                      absl::TimeZone next_zone) {
  InterestDay day{.account_id = due.account_id,
                  .day = due.day,
                  .revision = due.revision,
                  .carried = due.carried,
                  .next_day = due.day + 1,
                  .due_time = absl::InfiniteFuture()};
  if (due.closed) {
    day.next_day = due.day;
    return day;
  }
  if (due.plan) {
    const std::optional<Int128> parts = AccrueDay(due.plan->terms, balance_minor, due.day);
    if (!parts) return Error(Reason::kInternal, "terms that are none");
    day.plan_id = due.plan->plan_id;
    day.plan_version = due.plan->version;
    day.balance_minor = balance_minor;
    day.parts = *parts;
    day.carried += *parts;
    if (EndsMonth(due.day) || due.next_plan_id != due.plan->plan_id) {
      FLORIN_RETURN_IF_ERROR(EndPeriod(due, day));
    }
    if (EndsMonth(due.day) && due.plan->monthly_fee_minor > 0) {
      day.bookings.push_back({.account_id = due.account_id,
                              .last_day = due.day,
                              .kind = BookingKind::kFee,
                              .plan_id = due.plan->plan_id,
                              .currency = due.plan->currency,
                              .amount_minor = -due.plan->monthly_fee_minor,
                              .book = due.book});
    }
  }
  const bool goes_on = !due.next_plan_id.empty() || due.more_follows;
  if (goes_on) day.due_time = ClosingTime(day.next_day, next_zone);
  return day;
}

std::string TextOf(Int128 parts) {
  if (parts == 0) return "0";
  const bool negative = parts < 0;
  std::string digits;
  for (; parts != 0; parts /= 10) {
    const int digit = static_cast<int>(parts % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

absl::StatusOr<Int128> ParseParts(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative ? text.substr(1) : text;
  // Less than 10^38, which is less than 2^127.
  bool good = !digits.empty() && digits.size() <= 38;
  Int128 value = 0;
  for (const char c : digits) {
    good = good && c >= '0' && c <= '9';
    if (!good) return Error(Reason::kInternal, "no number of parts");
    value = value * 10 + (c - '0');
  }
  if (!good) return Error(Reason::kInternal, "no number of parts");
  return negative ? -value : value;
}

}  // namespace florin::accounts
