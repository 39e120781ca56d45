// The worker that finishes what crashes and lost connections have left in processing.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Works under this service's own identity, never with a user's token. Several replicas may run it:
// claims share the work, and settling a payment twice does no harm.
//
// A payment left behind has ended at most kLease + one pause after the process and the ledger are
// up again: 3 s + 4 s.
class Recovery {
 public:
  // References outlive this.
  Recovery(Store& store, Settlement& settlement, Clock& clock)
      : store_(store), settlement_(settlement), clock_(clock) {}

  // One round: claims what is due and settles it, until nothing is. Gives how many were claimed.
  // Errors: those of ClaimUnfinished and SettleAll; logged, too.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::StatusOr<int>> SettleSome();

  Store& store_;
  Settlement& settlement_;
  Clock& clock_;
};

}  // namespace florin::payments
