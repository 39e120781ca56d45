#include "services/payments/domain/fx.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/payments/domain/exact_ratio.h"

namespace florin::payments {
namespace {

constexpr int kWhole = 10'000;  // Basis points.

absl::Status Wrong(std::string_view line, std::string_view why) {
  return Error(Reason::kInvalidField, "'" + std::string(line) + "' " + std::string(why),
               {.param = "fx_rates"});
}

std::optional<Rate> ParseRate(std::string_view text) {
  const std::size_t point = text.find('.');
  std::string digits(text.substr(0, point));
  std::string decimals(point == std::string_view::npos ? "" : text.substr(point + 1));
  if (digits.empty() || (point != std::string_view::npos && decimals.empty())) return std::nullopt;
  if (decimals.size() > static_cast<std::size_t>(kRateScale)) return std::nullopt;
  decimals.resize(kRateScale, '0');
  digits += decimals;
  Rate rate;
  if (digits.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(digits, &rate.units) || rate.units == 0) {
    return std::nullopt;
  }
  return rate;
}

std::int64_t PowerOfTen(int exponent) {
  std::int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// What the exponents of two currencies make of minor units.
struct Exponents {
  std::int64_t up;    // Minor units of the destination for those of the source,
  std::int64_t down;  // or the other way round; one of them is 1.
};
Exponents ExponentsOf(const Currency& source, const Currency& destination) {
  const int more = destination.exponent() - source.exponent();
  return {PowerOfTen(std::max(more, 0)), PowerOfTen(std::max(-more, 0))};
}

absl::Status TooMuch() {
  return Error(Reason::kInvalidAmount, "the amount cannot be converted",
               {.param = "amount.minor_units"});
}
absl::Status TooSmall() {
  return Error(Reason::kAmountTooSmall, "nothing would be left of the amount");
}

// The rest of a conversion whose two amounts are known.
absl::StatusOr<Converted> Complete(const Money& source, const Money& destination, const Rate& mid,
                                   const Rate& rate) {
  if (source.minor_units <= 0 || destination.minor_units <= 0) return TooSmall();
  const Exponents exponents = ExponentsOf(source.currency, destination.currency);
  const auto value_at = [&](std::int64_t units) {
    return ExactRatio({source.minor_units, units, exponents.up}, {kRateOne, exponents.down},
                      Rounding::kDown);
  };
  const std::optional<std::int64_t> value = value_at(mid.units);
  const std::optional<std::int64_t> spread = value_at(mid.units - rate.units);
  if (!value || !spread) return TooMuch();
  // Not negative: the destination is no more than the value at the customer's rate, and a sum
  // rounded down is no less than the sum of its parts rounded down.
  return Converted{.source = source,
                   .destination = destination,
                   .spread_minor = *spread,
                   .rounding_minor = *value - destination.minor_units - *spread};
}

absl::Status CheckRates(const Rate& mid, const Rate& rate) {
  if (rate.units > 0 && rate.units <= mid.units) return absl::OkStatus();
  return Error(Reason::kRateNotAvailable, "the rate is nothing");
}

}  // namespace

absl::StatusOr<RateTable> RateTable::Parse(std::string_view text) {
  RateTable table;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& whole : lines) {
    const std::string line = whole.substr(0, whole.find('#'));
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty()) continue;
    if (words.size() != 4) return Wrong(line, "is not SOURCE DESTINATION RATE TIME");
    const absl::StatusOr<Currency> source = Currency::Parse(words[0]);
    const absl::StatusOr<Currency> destination = Currency::Parse(words[1]);
    if (!source.ok() || !destination.ok() || *source == *destination) {
      return Wrong(line, "does not begin with two ISO 4217 codes");
    }
    const std::optional<Rate> rate = ParseRate(words[2]);
    if (!rate) return Wrong(line, "has no decimal rate that fits");
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, words[3], &time, &error)) {
      return Wrong(line, "has no time of RFC 3339");
    }
    const auto pair = std::make_pair(*source, *destination);
    if (!table.rates_.emplace(pair, MidRate{.rate = *rate, .time = time}).second) {
      return Wrong(line, "has a rate for its pair before");
    }
  }
  return table;
}

std::optional<MidRate> RateTable::Find(const Currency& source, const Currency& destination) const {
  if (const auto found = rates_.find({source, destination}); found != rates_.end()) {
    return found->second;
  }
  const auto opposite = rates_.find({destination, source});
  if (opposite == rates_.end()) return std::nullopt;
  const std::optional<std::int64_t> inverse =
      ExactRatio({kRateOne, kRateOne}, {opposite->second.rate.units}, Rounding::kDown);
  if (!inverse || *inverse == 0) return std::nullopt;
  return MidRate{.rate = {*inverse}, .time = opposite->second.time};
}

Rate WithSpread(const Rate& mid, int spread_basis_points) {
  const std::optional<std::int64_t> units =
      ExactRatio({mid.units, kWhole - spread_basis_points}, {kWhole}, Rounding::kDown);
  return {units.value_or(0)};
}

absl::StatusOr<Converted> ConvertSource(const Money& source, const Currency& destination,
                                        const Rate& mid, const Rate& rate) {
  FLORIN_RETURN_IF_ERROR(CheckRates(mid, rate));
  const Exponents exponents = ExponentsOf(source.currency, destination);
  const std::optional<std::int64_t> bought = ExactRatio(
      {source.minor_units, rate.units, exponents.up}, {kRateOne, exponents.down}, Rounding::kDown);
  if (!bought) return TooMuch();
  return Complete(source, {.minor_units = *bought, .currency = destination}, mid, rate);
}

absl::StatusOr<Converted> ConvertDestination(const Currency& source, const Money& destination,
                                             const Rate& mid, const Rate& rate) {
  FLORIN_RETURN_IF_ERROR(CheckRates(mid, rate));
  const Exponents exponents = ExponentsOf(source, destination.currency);
  const std::optional<std::int64_t> sold =
      ExactRatio({destination.minor_units, kRateOne, exponents.down}, {rate.units, exponents.up},
                 Rounding::kUp);
  if (!sold) return TooMuch();
  return Complete({.minor_units = *sold, .currency = source}, destination, mid, rate);
}

}  // namespace florin::payments
