// What recovery could not end and what does not agree, in PostgreSQL (migrations/0009). Payments of
// every kind of store share the tables.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/reconcile_store.h"

namespace florin::payments {

class PgReconcileStore : public ReconcileStore {
 public:
  // Prepared by the pool that is handed in, together with those of PgChargeStore and of the audit
  // trail.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgReconcileStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<std::vector<Discrepancy>>> RecordFailures(std::vector<VainAttempt> attempts,
                                                                absl::Time now) override;
  Task<absl::StatusOr<std::vector<RecoveryFailure>>> ListFailures(Uuid payment_id) override;
  Task<absl::StatusOr<int>> TakeUpAgain(Uuid payment_id, Uuid operator_id, absl::Time now,
                                        audit::Origin origin) override;
  Task<absl::StatusOr<std::int64_t>> PositionOf(Walk walk) override;
  Task<absl::StatusOr<int>> RecordWalk(Walk walk, std::int64_t position,
                                       std::vector<Discrepancy> found, absl::Time now) override;
  Task<absl::StatusOr<int>> OpenDiscrepancies(std::vector<Discrepancy> found,
                                              absl::Time now) override;
  Task<absl::StatusOr<std::vector<Payment>>> PaymentsMade(absl::Time from, absl::Time until,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<WholePayment>>> StepsMade(absl::Time from, absl::Time until,
                                                            int limit) override;
  Task<absl::StatusOr<std::vector<WholePayment>>> WholePayments(
      std::vector<Uuid> payment_ids) override;
  Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> ListDiscrepancies(
      std::optional<DiscrepancyState> state, std::optional<Uuid> before, int limit) override;
  Task<absl::StatusOr<KeptDiscrepancy>> GetDiscrepancy(Uuid discrepancy_id) override;
  Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> DiscrepanciesOf(Uuid payment_id) override;
  Task<absl::StatusOr<KeptDiscrepancy>> Resolve(Resolution resolution, absl::Time now) override;
  Task<absl::StatusOr<int>> Agree(std::vector<Uuid> discrepancy_ids, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Exposure>>> ListExposure() override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
