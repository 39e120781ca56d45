// The sandbox's clock in PostgreSQL: table `sandbox_clock`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/clock_store.h"

namespace florin::payments {

class PgClockStore : public ClockStore {
 public:
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgClockStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<absl::Duration>> GoAhead(absl::Duration ahead) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
