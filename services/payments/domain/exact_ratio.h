// Products and quotients of minor units, exact: 128 bits inside, checked, no floating point.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>

namespace florin::payments {

enum class Rounding { kDown, kUp };

// The product of `factors` over that of `divisors`, all zero or more and the divisors more, rounded
// to a whole number; nothing where it, or a product on the way, does not fit. Pure.
//
//   const auto share = ExactRatio({amount, basis_points}, {10'000}, Rounding::kDown);
inline std::optional<std::int64_t> ExactRatio(std::initializer_list<std::int64_t> factors,
                                              std::initializer_list<std::int64_t> divisors,
                                              Rounding rounding) {
  unsigned __int128 above = 1;
  unsigned __int128 below = 1;
  for (const std::int64_t factor : factors) {
    if (factor < 0) return std::nullopt;
    if (__builtin_mul_overflow(above, static_cast<unsigned __int128>(factor), &above)) {
      return std::nullopt;
    }
  }
  for (const std::int64_t divisor : divisors) {
    if (divisor <= 0) return std::nullopt;
    if (__builtin_mul_overflow(below, static_cast<unsigned __int128>(divisor), &below)) {
      return std::nullopt;
    }
  }
  unsigned __int128 result = above / below;
  if (rounding == Rounding::kUp && above % below != 0) ++result;
  if (result > static_cast<unsigned __int128>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(result);
}

}  // namespace florin::payments
