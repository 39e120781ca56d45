// The sandbox's rail in PostgreSQL: tables `sandbox_rail_…`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/sandbox_rail_store.h"

namespace florin::payments {

class PgSandboxRailStore : public SandboxRailStore {
 public:
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgSandboxRailStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<TakenPayout>> Take(TakenPayout payout,
                                         std::vector<PlannedEntry> entries) override;
  Task<absl::StatusOr<std::optional<TakenPayout>>> FindTaken(Uuid payout_id) override;
  Task<absl::StatusOr<RailEntry>> AddDeposit(PlannedEntry deposit) override;
  Task<absl::StatusOr<std::vector<RailEntry>>> DueNotifications(absl::Time now, int limit) override;
  Task<absl::Status> Notified(std::int64_t number) override;
  Task<absl::StatusOr<std::vector<RailEntry>>> BookedAfter(absl::Time book_time,
                                                           std::int64_t number, absl::Time now,
                                                           int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
