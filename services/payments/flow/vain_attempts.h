// The dead letters of recovery: what it takes up in vain is counted, rests longer and longer, and
// is parked in the end, with what is at risk; a person is told by metrics and the log.
#pragma once

#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/store/reconcile_store.h"

namespace florin::payments {

// Thread-safe.
class VainAttempts {
 public:
  // References outlive this.
  VainAttempts(ReconcileStore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Attempts that failed although the ledger was there. Those that are parked by it are counted as
  // florin_payments_parked_total and logged as errors. Errors: those of the store.
  Task<absl::Status> Record(std::vector<VainAttempt> attempts);

 private:
  ReconcileStore& store_;
  Clock& clock_;
};

}  // namespace florin::payments
