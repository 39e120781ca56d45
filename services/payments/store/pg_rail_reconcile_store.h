// Rails' statements in PostgreSQL (migration rail_reconcile).
#pragma once

#include <string>
#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/rail_reconcile_store.h"

namespace florin::payments {

class PgRailReconcileStore : public RailReconcileStore {
 public:
  // Prepared by the pool that is handed in.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgRailReconcileStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<RailProgress>> ProgressOf(std::string rail) override;
  Task<absl::StatusOr<RailProgress>> KeepStatement(std::string rail, std::string cursor,
                                                   RailStatement page) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> LinesAfter(std::string rail, std::int64_t after,
                                                            int limit) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> ExecutedPayouts(std::string rail, absl::Time from,
                                                                 absl::Time until,
                                                                 int limit) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> ReceivedDeposits(std::string rail, absl::Time from,
                                                                  absl::Time until,
                                                                  int limit) override;
  Task<absl::StatusOr<std::vector<RailCase>>> CasesOf(std::string rail,
                                                      std::vector<RailSubject> subjects) override;
  Task<absl::StatusOr<int>> RecordCompared(std::string rail, RailProgress progress) override;
  Task<absl::StatusOr<std::vector<SettlementSums>>> SettlementSumsOf() override;

 private:
  Task<absl::StatusOr<std::vector<RailSubject>>> Between(const char* statement, std::string rail,
                                                         absl::Time from, absl::Time until,
                                                         int limit);

  pg::Pool& pool_;
};

}  // namespace florin::payments
