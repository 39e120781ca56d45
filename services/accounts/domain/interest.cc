#include "services/accounts/domain/interest.h"

#include <algorithm>
#include <limits>

namespace florin::accounts {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

// Days since the year 0 of a calendar with twelve months of 30 days, the 31st being the 30th.
std::int64_t ThirtyEDays(absl::CivilDay day) {
  return 360 * day.year() + 30 * (day.month() - 1) + std::min(day.day(), 30);
}

// Parts of a minor unit that a millionth of it is for one day.
std::int64_t PartsOfADay(DayCount convention) {
  return kPartsOfAUnit / kMillion / (convention == DayCount::kAct365Fixed ? 365 : 360);
}
static_assert(kPartsOfAUnit % (kMillion * 365) == 0);
static_assert(kPartsOfAUnit % (kMillion * 360) == 0);

}  // namespace

std::string_view NameOf(DayCount convention) {
  constexpr std::string_view kNames[] = {"ACT/365F", "ACT/360", "30E/360"};
  return kNames[static_cast<std::size_t>(convention)];
}

absl::StatusOr<DayCount> ParseDayCount(std::string_view name) {
  for (const DayCount one : {DayCount::kAct365Fixed, DayCount::kAct360, DayCount::kThirtyE360}) {
    if (NameOf(one) == name) return one;
  }
  return Error(Reason::kInvalidField, "ACT/365F, ACT/360 or 30E/360", {.param = "day_count"});
}

std::int64_t CountDays(DayCount convention, absl::CivilDay from, absl::CivilDay to) {
  if (convention == DayCount::kThirtyE360) return ThirtyEDays(to) - ThirtyEDays(from);
  return to - from;
}

std::optional<Int128> AccrueDay(const InterestTerms& terms, std::int64_t balance_minor,
                                absl::CivilDay day) {
  const std::int64_t rate = balance_minor < 0 ? terms.debit_rate : terms.credit_rate;
  if (rate < 0 || rate > kMillion) return std::nullopt;
  // 2^63 * 10^6 * 3 days * 73 is less than 2^91.
  return Int128(balance_minor) * rate * CountDays(terms.convention, day, day + 1) *
         PartsOfADay(terms.convention);
}

std::optional<Capitalised> Capitalise(Int128 parts) {
  const Int128 booked = parts / kPartsOfAUnit;
  if (booked > std::numeric_limits<std::int64_t>::max() ||
      booked < std::numeric_limits<std::int64_t>::min()) {
    return std::nullopt;
  }
  return Capitalised{.booked_minor = static_cast<std::int64_t>(booked),
                     .carried_parts = static_cast<std::int64_t>(parts % kPartsOfAUnit)};
}

}  // namespace florin::accounts
