// SuspenseStore in PostgreSQL: migration 0016.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/payments/store/suspense_store.h"

namespace florin::payments {

// Thread-safe.
class PgSuspenseStore : public SuspenseStore {
 public:
  // `pool` has Statements() and those of audit::InsertStatements(), and outlives this.
  explicit PgSuspenseStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::Status> KeepItem(SuspenseItem item) override;
  Task<absl::StatusOr<KeptSuspense>> FindItem(Uuid item_id) override;
  Task<absl::StatusOr<std::vector<KeptSuspense>>> ListItems(std::optional<SuspenseState> state,
                                                            std::optional<Uuid> before,
                                                            int limit) override;
  Task<absl::StatusOr<std::optional<StoredResolution>>> FindResolution(
      Uuid operator_id, std::string idempotency_key, crypto::Digest fingerprint) override;
  Task<absl::StatusOr<StoredResolution>> Begin(SuspenseResolution resolution,
                                               std::string idempotency_key,
                                               crypto::Digest fingerprint,
                                               audit::Origin origin) override;
  Task<absl::StatusOr<KeptSuspense>> End(Uuid payment_id, ResolutionState state,
                                         std::string failure_reason, std::string rail_code,
                                         absl::Time now) override;
  Task<absl::StatusOr<std::vector<KeptSuspense>>> ClaimPending(absl::Time now, int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::payments
