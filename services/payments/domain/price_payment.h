// What a payment costs and what is posted for it: decided once, when it is made.
#pragma once

#include <optional>

#include "services/payments/domain/payment.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

// Whether `quote` is for what `request`, which names it, asks for: the amount is what is sold, and
// the destination has the other currency. Expiry and use are for the store to judge, in the
// transaction that uses it. Error: kQuoteMismatch, with the param to blame.
absl::Status CheckQuote(const PaymentRequest& request, const Quote& quote,
                        const Currency& destination);

// The pricing of a request whose parts have been checked; nothing for one that only moves its
// amount, as one that is to be captured does: no fee is taken of it. `quote`: the one that it
// names. Errors: those of FeeOf(); kAmountTooSmall where nothing would be left for a payee (param
// `amount.minor_units`).
absl::StatusOr<std::optional<Pricing>> PricePayment(const PaymentRequest& request,
                                                    const FeeSchedule& schedule,
                                                    const std::optional<Quote>& quote);

// The same of a payout: what is set aside is its amount and the fee beyond it (P1). Errors: those
// of FeeOf().
absl::StatusOr<std::optional<Pricing>> PricePayout(const PayoutRequest& request,
                                                   const FeeSchedule& schedule);

}  // namespace florin::payments
