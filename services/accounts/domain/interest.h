// Interest and charges on balances, exactly: what a day earns is a fraction, fractions are added up
// as they are, and whole minor units are booked out of them. Nothing is rounded away: what is not
// booked yet stays for the next time.
//
// Day counts of the 2006 ISDA Definitions, section 4.16: (d) ACT/365 (Fixed), (e) ACT/360, (h)
// 30E/360. The last counts from the calendar's dates, the 31st as the 30th: a day counts 0, 1, 2 or
// 3 days (the 30th to the 31st none, the last of February up to three), and the days of any period
// add up to the period. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/civil_time.h"
#include "libs/status/status.h"

namespace florin::accounts {

// Signed, of 128 bits.
__extension__ using Int128 = __int128;

enum class DayCount { kAct365Fixed, kAct360, kThirtyE360 };
// "ACT/365F", "ACT/360", "30E/360". Parsing gives kInvalidField for others.
std::string_view NameOf(DayCount convention);
absl::StatusOr<DayCount> ParseDayCount(std::string_view name);

// Days of [from, to) as the convention counts them; `from` is not after `to`.
std::int64_t CountDays(DayCount convention, absl::CivilDay from, absl::CivilDay to);

// Rates of a year in millionths (50'000 is 5 %), from 0 to a million.
struct InterestTerms {
  DayCount convention = DayCount::kAct365Fixed;
  std::int64_t credit_rate = 0;  // What a positive balance earns.
  std::int64_t debit_rate = 0;   // What a negative one costs.
};

// Minor units in parts of 26'280'000'000: a millionth of a 365th, and of a 360th, of a minor unit
// are whole numbers of these, so that an account may change its convention between two days.
inline constexpr std::int64_t kPartsOfAUnit = 26'280'000'000;

// What the balance at the end of `day` earns for the day, negative for what it costs. Nothing if it
// is too large for 127 bits, which takes terms that are none.
std::optional<Int128> AccrueDay(const InterestTerms& terms, std::int64_t balance_minor,
                                absl::CivilDay day);

// What is booked of `parts` and what is carried on: whole minor units, rounded toward zero, so that
// neither side is ever booked more than has accrued. booked_minor * kPartsOfAUnit + carried ==
// parts, exactly. Nothing if it does not fit into 63 bits.
struct Capitalised {
  std::int64_t booked_minor = 0;
  std::int64_t carried_parts = 0;  // Of the sign of `parts`, less than kPartsOfAUnit.

  friend bool operator==(const Capitalised&, const Capitalised&) = default;
};
std::optional<Capitalised> Capitalise(Int128 parts);

}  // namespace florin::accounts
