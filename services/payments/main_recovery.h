// The worker of payments that finishes what crashes have left.
#pragma once

#include "libs/async/worker.h"
#include "services/payments/flow/charge_recovery.h"
#include "services/payments/flow/recovery.h"

namespace florin::payments {

class RecoveryParts {
 public:
  // Begins at once. References outlive this.
  RecoveryParts(Executor executor, Recovery recovery, ChargeRecovery& charges);

  // What is due now need not wait for the next round.
  void Wake() { worker_.Wake(); }
  // Before the executor stops.
  void Stop() { worker_.Stop(); }

 private:
  Recovery recovery_;
  ChargeRecovery& charges_;
  async::Worker worker_;
};

}  // namespace florin::payments
