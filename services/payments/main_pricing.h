// Wiring of fees, rates and quotes.
#pragma once

#include <optional>
#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/create_quote.h"
#include "services/payments/flow/payment_pricing.h"
#include "services/payments/rpc/quotes_rpc.h"
#include "services/payments/store/pg_quote_store.h"

namespace florin::payments {

// Reads the flags and their files at the start; ends the process where they are wrong.
class PricingParts {
 public:
  // `pool` has Statements(); both outlive this.
  PricingParts(Executor executor, pg::Pool& pool, Clock& clock);
  // Before the executor stops.
  void Stop() { forgetting_->Stop(); }

  static std::vector<pg::Statement> Statements() { return PgQuoteStore::Statements(); }
  PaymentPricing& pricing() { return pricing_; }
  QuotesRpc& service() { return service_; }

 private:
  PgQuoteStore store_;
  PaymentPricing pricing_;
  FileRates rates_;
  CreateQuote create_;
  QuotesRpc service_;
  std::optional<async::Worker> forgetting_;  // Of quotes that nobody has used.
};

}  // namespace florin::payments
