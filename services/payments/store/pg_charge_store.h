// Captures, refunds and disputes in PostgreSQL: schema `payments`, see migrations/.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

class PgChargeStore : public ChargeStore {
 public:
  // What the pool must prepare; it needs audit::InsertStatements(), too.
  static std::vector<pg::Statement> Statements();

  // `pool` outlives this.
  explicit PgChargeStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<Payment>> FindPayment(Uuid payment_id) override;
  Task<absl::StatusOr<StoredStep>> BeginStep(StepIntent intent) override;
  Task<absl::StatusOr<std::vector<StoredStep>>> RecordSteps(
      std::vector<StepResult> results) override;
  Task<absl::StatusOr<std::vector<StoredStep>>> ClaimSteps(absl::Time now, int limit) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimExpired(absl::Time now, int limit) override;
  Task<absl::StatusOr<Step>> GetStep(Uuid payment_id, StepKind kind, Uuid step_id) override;
  Task<absl::StatusOr<std::vector<Step>>> ListSteps(Uuid payment_id, StepKind kind,
                                                    std::vector<Uuid> payees,
                                                    std::optional<Uuid> before, int limit) override;
  Task<absl::StatusOr<Dispute>> GetDispute(Uuid dispute_id) override;
  Task<absl::StatusOr<std::vector<Dispute>>> ListDisputes(Uuid payment_id) override;
  Task<absl::StatusOr<std::vector<Evidence>>> ListEvidence(Uuid dispute_id) override;
  Task<absl::StatusOr<Dispute>> AddEvidence(EvidenceIntent intent, absl::Time now) override;
  Task<absl::StatusOr<int>> EndResponseTimes(absl::Time now) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
