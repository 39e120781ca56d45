// Conversions between currencies: rates, what they make of an amount to the minor unit, and quotes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

// Decimals of every rate: enough for seven significant digits from the smallest currencies (IDR) to
// the greatest (CLF), and 9.2 million of one for the other.
inline constexpr int kRateScale = 12;
inline constexpr std::int64_t kRateOne = 1'000'000'000'000;

// How much of the destination's major unit one major unit of the source is, times 10^kRateScale.
struct Rate {
  std::int64_t units = 0;

  friend bool operator==(const Rate&, const Rate&) = default;
};

// The middle of the market, and since when.
struct MidRate {
  Rate rate;
  absl::Time time;

  friend bool operator==(const MidRate&, const MidRate&) = default;
};

// The rates of one file.
class RateTable {
 public:
  // A line is `SOURCE DESTINATION RATE TIME`, e.g. `EUR USD 1.0875 2026-11-27T12:00:00Z`: a decimal
  // number with at most kRateScale decimals, and a time of RFC 3339. `#` begins a comment. Error:
  // kInvalidField, naming the line that is wrong.
  static absl::StatusOr<RateTable> Parse(std::string_view text);

  // That of the pair, or the inverse of the opposite pair's, rounded down; nothing where there is
  // neither.
  std::optional<MidRate> Find(const Currency& source, const Currency& destination) const;

 private:
  std::map<std::pair<Currency, Currency>, MidRate> rates_;
};

// What the customer gets: `mid` less so many basis points of it, rounded down.
Rate WithSpread(const Rate& mid, int spread_basis_points);

// A conversion to the minor unit. Of the destination's currency
//   value of the source at mid, rounded down = destination + spread + rounding
// so that with the source on its other side the position is square at mid.
struct Converted {
  Money source;
  Money destination;
  std::int64_t spread_minor = 0;    // Value at mid less value at the customer's rate, rounded down.
  std::int64_t rounding_minor = 0;  // The rest: what roundings left to the house, zero or more.

  friend bool operator==(const Converted&, const Converted&) = default;
};

// Of a fixed source: the destination is rounded down to its minor unit.
// Of a fixed destination: the source is rounded up to its minor unit, and is the least that brings
// the destination.
// Errors: kAmountTooSmall where nothing would be left; kInvalidAmount where something does not fit;
// kRateNotAvailable where the rates are nothing.
absl::StatusOr<Converted> ConvertSource(const Money& source, const Currency& destination,
                                        const Rate& mid, const Rate& rate);
absl::StatusOr<Converted> ConvertDestination(const Currency& source, const Money& destination,
                                             const Rate& mid, const Rate& rate);

// A conversion that is held for a user until it expires, for one payment.
struct Quote {
  Uuid quote_id;
  Uuid user_id;
  Converted converted;
  Rate rate;
  Rate mid_rate;
  int spread_basis_points = 0;
  absl::Time rate_time;  // Of the mid rate.
  absl::Time create_time;
  absl::Time expire_time;
  Uuid payment_id;  // That used it; nil before.

  friend bool operator==(const Quote&, const Quote&) = default;
};

}  // namespace florin::payments
