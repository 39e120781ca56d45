// The quotes in PostgreSQL: table `quotes`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/quote_store.h"

namespace florin::payments {

class PgQuoteStore : public QuoteStore {
 public:
  // What the pool must prepare, beside PgStore::Statements().
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgQuoteStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<Quote>> InsertQuote(Quote quote) override;
  Task<absl::StatusOr<Quote>> GetQuote(Uuid user_id, Uuid quote_id) override;
  Task<absl::StatusOr<StoredIntent>> InsertWithQuote(Intent intent) override;
  Task<absl::StatusOr<int>> ForgetQuotes(absl::Time before, int limit) override;
  Task<absl::StatusOr<std::optional<StoredIntent>>> FindIntent(Intent intent) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
