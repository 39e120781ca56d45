#include "services/payments/domain/book_clearing.h"

#include <limits>

namespace florin::payments {
namespace {

using Int128 = __int128;

Int128 DifferenceOf(const Clearing& clearing) {
  return Int128{clearing.due_minor} - clearing.owed_minor - clearing.under_way_minor;
}

}  // namespace

bool Clearing::Agrees() const { return DifferenceOf(*this) == 0; }

Uuid DiscrepancyIdOf(const BookPair& pair) {
  return DiscrepancyIdOf(DiscrepancyKind::kClearingDiffers,
                         ClearingAccountOf(pair.books, pair.currency));
}

std::optional<Discrepancy> Check(const Clearing& clearing) {
  if (clearing.Agrees()) return std::nullopt;
  Int128 at_risk = DifferenceOf(clearing);
  if (at_risk < 0) at_risk = -at_risk;
  const Int128 most = std::numeric_limits<std::int64_t>::max();
  const Books& books = clearing.pair.books;
  return Discrepancy{.discrepancy_id = DiscrepancyIdOf(clearing.pair),
                     .kind = DiscrepancyKind::kClearingDiffers,
                     .payment_id = {},
                     .step_id = {},
                     .transaction_id = {},
                     .at_risk_minor = static_cast<std::int64_t>(at_risk < most ? at_risk : most),
                     .currency = clearing.pair.currency,
                     .expected = "from " + books.source + " to " + books.target + " " +
                                 std::to_string(clearing.under_way_minor) + " are under way",
                     .found = books.source + " owes " + std::to_string(clearing.owed_minor) +
                              ", and " + std::to_string(clearing.due_minor) + " are due to " +
                              books.target};
}

}  // namespace florin::payments
