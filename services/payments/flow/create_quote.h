// Makes quotes: what a conversion would be at the rate of now, held for a short while.
#pragma once

#include <optional>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/payments/flow/rate_source.h"
#include "services/payments/store/quote_store.h"

namespace florin::payments {

// What a user asks a quote for: exactly one of the amounts is fixed.
struct QuoteRequest {
  Currency source;
  Currency destination;
  std::optional<std::int64_t> source_minor;
  std::optional<std::int64_t> destination_minor;
};

struct QuoteTerms {
  int spread_basis_points = 0;  // 0 to 9999.
  absl::Duration life = absl::Seconds(30);
};

// Thread-safe.
class CreateQuote {
 public:
  // References outlive this.
  CreateQuote(QuoteStore& store, RateSource& rates, Clock& clock, IdSource& ids, QuoteTerms terms)
      : store_(store), rates_(rates), clock_(clock), ids_(ids), terms_(terms) {}

  // Errors: kInvalidAmount (param `source_minor_units` or `destination_minor_units`) unless one
  // amount is given and more than zero, or where the conversion does not fit; kCurrencyMismatch for
  // one currency (param `destination_currency`); kRateNotAvailable; kAmountTooSmall; kUnavailable.
  Task<absl::StatusOr<Quote>> Run(Uuid user_id, QuoteRequest request);

 private:
  absl::StatusOr<Quote> Make(const Uuid& user_id, const QuoteRequest& request);

  QuoteStore& store_;
  RateSource& rates_;
  Clock& clock_;
  IdSource& ids_;
  const QuoteTerms terms_;
};

}  // namespace florin::payments
