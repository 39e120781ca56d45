// The worker that finishes the steps that crashes and lost connections have left in processing, and
// ends what time ends: authorizations, and the time to respond to disputes.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/vain_attempts.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

// As Recovery: several replicas may run it, under this service's own identity.
class ChargeRecovery {
 public:
  // References outlive this.
  ChargeRecovery(ChargeStore& store, ChargeSteps& steps, VainAttempts& vain, Clock& clock)
      : store_(store), steps_(steps), vain_(vain), clock_(clock) {}

  // One round. Gives how many steps and authorizations were claimed. Errors: those of ChargeStore
  // and VainAttempts; logged, too. A step that can't be finished now keeps no other from it, and is
  // claimed again, or parked in the end.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::StatusOr<int>> FinishSome();
  Task<absl::StatusOr<int>> ExpireSome();

  ChargeStore& store_;
  ChargeSteps& steps_;
  VainAttempts& vain_;
  Clock& clock_;
};

}  // namespace florin::payments
