// The worker that finishes what crashes and lost connections have left in processing.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/flow/vain_attempts.h"
#include "services/payments/store/approval_store.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Works under this service's own identity, never with a user's token. Several replicas may run it:
// claims share the work, and settling a payment twice does no harm.
//
// A payment that the ledger will not decide rests longer after each attempt, and is parked in the
// end (VainAttempts): a person must look.
//
// A payment left behind has ended at most kLease + one pause after the process and the ledger are
// up again: 3 s + 4 s.
class Recovery {
 public:
  // References outlive this.
  Recovery(Store& store, Settlement& settlement, ApprovalStore& approval_store,
           ConfirmPayment& confirm, VainAttempts& vain, Clock& clock)
      : store_(store),
        settlement_(settlement),
        approval_store_(approval_store),
        confirm_(confirm),
        vain_(vain),
        clock_(clock) {}

  // One round: claims what is due and settles it, until nothing is; then looks after payments that
  // wait for an approval: finishes those whose approval was redeemed before a crash, and gives up
  // those that have expired. Gives how many were claimed. Errors: those of ClaimUnfinished,
  // SettleAll, VainAttempts::Record and ClaimAwaiting; logged, too.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::StatusOr<int>> SettleSome();
  Task<absl::StatusOr<int>> ResumeSome();

  Store& store_;
  Settlement& settlement_;
  ApprovalStore& approval_store_;
  ConfirmPayment& confirm_;
  VainAttempts& vain_;
  Clock& clock_;
};

}  // namespace florin::payments
