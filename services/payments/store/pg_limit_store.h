// The limits in PostgreSQL: tables `limits` and `limit_revisions`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/limit_store.h"

namespace florin::payments {

class PgLimitStore : public LimitStore {
 public:
  // What the pool must prepare, beside those of the audit trail.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgLimitStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<StoredLimit>> ChangeLimit(LimitChange change) override;
  Task<absl::StatusOr<std::vector<Limit>>> ListLimits(absl::Time now) override;
  Task<absl::StatusOr<std::vector<Limit>>> FindLimits(std::vector<Uuid> limit_ids) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
