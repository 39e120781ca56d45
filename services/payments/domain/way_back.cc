#include "services/payments/domain/way_back.h"

#include <algorithm>

#include "libs/status/check.h"
#include "services/payments/domain/exact_ratio.h"

namespace florin::payments {
namespace {

// `all` times `back` / `sold`, which is at most one: it fits.
std::int64_t PartOf(std::int64_t all, std::int64_t back, std::int64_t sold, Rounding rounding) {
  const std::optional<std::int64_t> part = ExactRatio({all, back}, {sold}, rounding);
  FLORIN_CHECK(part.has_value(), "a part is no more than the whole");
  return *part;
}

}  // namespace

std::optional<std::int64_t> ShareOf(const Payment& payment, const Uuid& payee_account_id) {
  if (!payment.pricing) return std::nullopt;
  const auto& splits = payment.pricing->splits;
  const auto split = std::ranges::find(splits, payee_account_id, &Split::destination_account_id);
  if (split == splits.end()) return std::nullopt;
  return split->amount_minor;
}

Returned ReturnedAt(const Payment& payment, std::int64_t back_minor) {
  FLORIN_CHECK(ConversionOf(payment) != nullptr, "only a conversion is undone");
  const Conversion& conversion = *ConversionOf(payment);
  const std::int64_t sold = payment.amount.minor_units;
  FLORIN_CHECK(back_minor >= 0 && back_minor <= sold, "no more goes back than was sold");
  return {
      .payee_minor = PartOf(conversion.destination.minor_units, back_minor, sold, Rounding::kUp),
      .spread_minor = PartOf(conversion.spread_minor, back_minor, sold, Rounding::kDown),
      .rounding_minor = PartOf(conversion.rounding_minor, back_minor, sold, Rounding::kDown)};
}

Returned MissingFrom(const Returned& goal, const Returned& so_far) {
  const auto missing = [](std::int64_t to, std::int64_t from) {
    return std::max<std::int64_t>(to - from, 0);
  };
  return {.payee_minor = missing(goal.payee_minor, so_far.payee_minor),
          .spread_minor = missing(goal.spread_minor, so_far.spread_minor),
          .rounding_minor = missing(goal.rounding_minor, so_far.rounding_minor)};
}

Returned Sum(const Returned& a, const Returned& b) {
  return {.payee_minor = a.payee_minor + b.payee_minor,
          .spread_minor = a.spread_minor + b.spread_minor,
          .rounding_minor = a.rounding_minor + b.rounding_minor};
}

Returned Difference(const Returned& a, const Returned& b) {
  return {.payee_minor = a.payee_minor - b.payee_minor,
          .spread_minor = a.spread_minor - b.spread_minor,
          .rounding_minor = a.rounding_minor - b.rounding_minor};
}

}  // namespace florin::payments
