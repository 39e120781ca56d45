// What timelines tell, in PostgreSQL.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/timeline_store.h"

namespace florin::payments {

class PgTimelineStore : public TimelineStore {
 public:
  // Prepared by the pool that is handed in.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgTimelineStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<PaymentOrigin>> OriginOf(Uuid payment_id) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
