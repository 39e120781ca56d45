// Exact money.
#pragma once

#include <cstdint>
#include <optional>

#include "libs/money/currency.h"

namespace florin {

// An amount of one currency in its minor units. Value type, no floating point anywhere.
struct Money {
  std::int64_t minor_units = 0;
  Currency currency;

  friend bool operator==(const Money&, const Money&) = default;
};

// Sums and differences of minor units, or nothing where the result does not fit.
//   const auto total = CheckedAdd(a, b);
//   if (!total) return Error(Reason::kBalanceOverflow, …);
constexpr std::optional<std::int64_t> CheckedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}
constexpr std::optional<std::int64_t> CheckedSubtract(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) return std::nullopt;
  return result;
}

}  // namespace florin
