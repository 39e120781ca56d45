// How a payment uses its quote up. Only for sources of payments' store.
#pragma once

#include <pqxx/pqxx>

#include "services/payments/store/store.h"

namespace florin::payments {

// In the transaction that has inserted `payment`; it must be rolled back after an error. Nothing is
// done for a payment without a conversion. Errors: kQuoteNotFound, kQuoteUsed, kQuoteExpired. Needs
// the statements of PgQuoteStore.
absl::Status UseQuote(pqxx::work& transaction, const Payment& payment);

}  // namespace florin::payments
