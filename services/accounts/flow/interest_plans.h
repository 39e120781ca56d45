// What operators do with plans of interest and charges: versions of them, and who has them.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "services/accounts/store/interest_store.h"

namespace florin::accounts {

// Thread-safe.
class InterestPlans {
 public:
  struct Acting {
    Uuid user_id;  // The operator.
    audit::Origin origin = {};
  };

  // References outlive this. `clock` is the job's.
  InterestPlans(InterestStore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Errors: those of CheckPlan and InterestStore::PutPlan; kInvalidField with param `time_zone`.
  Task<absl::StatusOr<InterestPlan>> Put(Acting acting, InterestPlan plan);
  // Errors: those of InterestStore::Assign.
  Task<absl::StatusOr<InterestAssignment>> Assign(Acting acting, InterestAssignment assignment);

 private:
  // Where the days of the plan, or of the account's last plan if it is none, end. UTC where there
  // is none.
  Task<absl::StatusOr<absl::TimeZone>> ZoneOf(InterestAssignment assignment);

  InterestStore& store_;
  Clock& clock_;
};

}  // namespace florin::accounts
