#include "services/payments/flow/payment_pricing.h"

#include <utility>

namespace florin::payments {

Task<absl::StatusOr<std::optional<Pricing>>> PaymentPricing::Price(Uuid user_id,
                                                                   PaymentRequest request,
                                                                   Currency destination) {
  std::optional<Quote> quote;
  if (!request.quote_id.is_nil()) {
    absl::StatusOr<Quote> found = co_await quotes_.GetQuote(user_id, request.quote_id);
    if (!found.ok()) co_return found.status();
    FLORIN_CO_RETURN_IF_ERROR(CheckQuote(request, *found, destination));
    quote = *std::move(found);
  }
  co_return PricePayment(request, schedule_, quote);
}

}  // namespace florin::payments
