// The payments in PostgreSQL: schema `payments`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/store.h"

namespace florin::payments {

class PgStore : public Store {
 public:
  // What the pool must prepare; it needs pg::KeyedAccessSettings, too.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<std::vector<StoredIntent>>> InsertIntents(
      std::vector<Intent> intents) override;
  Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) override;
  Task<absl::StatusOr<Written>> Write(std::shared_ptr<const Writes> writes) override;
  Task<absl::StatusOr<Payment>> GetPayment(Uuid user_id, Uuid payment_id) override;
  Task<absl::StatusOr<std::vector<Payment>>> ListPayments(Uuid user_id, std::optional<Uuid> before,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimUnfinished(absl::Time now, int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
