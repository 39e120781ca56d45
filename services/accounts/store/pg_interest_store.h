// Interest in PostgreSQL. Expects the migrations in `migrations/`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/accounts/store/interest_store.h"

namespace florin::accounts {

// Thread-safe. `pool` has these statements, and audit::InsertStatements(); it outlives this.
class PgInterestStore : public InterestStore {
 public:
  static std::vector<pg::Statement> Statements();

  explicit PgInterestStore(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<InterestPlan>> PutPlan(InterestPlan plan, absl::CivilDay today,
                                             absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<std::vector<InterestPlan>>> ListPlans(
      std::optional<std::string> plan_id) override;
  Task<absl::StatusOr<InterestAssignment>> Assign(InterestAssignment assignment, Uuid acting_user,
                                                  absl::CivilDay today, absl::Time now,
                                                  absl::Time due_time, audit::Event event) override;
  Task<absl::StatusOr<AccountInterest>> GetInterest(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<InterestDay>>> ListDays(Uuid account_id, absl::CivilDay before,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<DueInterest>>> ClaimDays(absl::Time now, absl::Time lease_until,
                                                           int limit) override;
  Task<absl::Status> WriteDays(std::vector<InterestDay> days, absl::Time now) override;
  Task<absl::StatusOr<std::vector<InterestBooking>>> Settle(Uuid account_id,
                                                            absl::Time lease_until) override;
  Task<absl::StatusOr<std::vector<InterestBooking>>> ClaimBookings(absl::Time now,
                                                                   absl::Time lease_until,
                                                                   int limit) override;
  Task<absl::Status> RecordBookings(std::vector<Decided> decided) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::accounts
