// Payouts in PostgreSQL: table `payouts`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/payout_store.h"

namespace florin::payments {

class PgPayoutStore : public PayoutStore {
 public:
  // What the pool must prepare besides the statements of PgStore.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgPayoutStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<Payout>> FindPayout(Uuid payment_id) override;
  Task<absl::StatusOr<Payout>> Advance(Uuid payment_id, PayoutStage from, PayoutStage to,
                                       std::string code, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Payout>>> ClaimPayouts(absl::Time now, int limit) override;
  Task<absl::Status> Postpone(Uuid payment_id, absl::Time until) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
