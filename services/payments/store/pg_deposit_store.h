// Rails' deposits in PostgreSQL: table `rail_deposits`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/deposit_store.h"

namespace florin::payments {

class PgDepositStore : public DepositStore {
 public:
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgDepositStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<RailDeposit>> ReceiveDeposit(RailDeposit deposit) override;
  Task<absl::StatusOr<RailDeposit>> AdvanceDeposit(DepositStage from, RailDeposit changed) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
