// Prices a payment that is about to be made, by the deployment's schedule and the payer's quote.
#pragma once

#include <optional>

#include "libs/async/task.h"
#include "services/payments/domain/price_payment.h"
#include "services/payments/store/quote_store.h"

namespace florin::payments {

// Thread-safe.
class PaymentPricing {
 public:
  // `quotes` outlives this.
  PaymentPricing(FeeSchedule schedule, QuoteStore& quotes)
      : schedule_(std::move(schedule)), quotes_(quotes) {}

  // What PricePayment() makes of the request, whose payees' accounts have the currency
  // `destination`. Whether the quote is still good is not judged here. Errors: kQuoteNotFound, also
  // for a quote of another user; kQuoteMismatch; those of PricePayment(); kUnavailable, kInternal.
  Task<absl::StatusOr<std::optional<Pricing>>> Price(Uuid user_id, PaymentRequest request,
                                                     Currency destination);

  // The same of a payout: what PricePayout() makes of it.
  absl::StatusOr<std::optional<Pricing>> Price(const PayoutRequest& request) const {
    return PricePayout(request, schedule_);
  }

  QuoteStore& quotes() { return quotes_; }

 private:
  const FeeSchedule schedule_;
  QuoteStore& quotes_;
};

}  // namespace florin::payments
