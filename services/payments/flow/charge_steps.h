// The way of a capture, void, refund or step of a dispute: as that of a payment (create_payment.h),
//
//   1. the step is committed under (user, kind, idempotency key) together with what it reserves of
//      its payment, or an earlier one found there, or it is kept as refused
//   2. the ledger decides, under an id that follows from the step's
//   3. the step, its payment's counters and state, and its dispute say so, in one transaction; what
//      the ledger refused is given back
//
// A crash, a lost connection or a caller who hangs up after 1 leaves a step in processing, which
// the recovery worker or a retry with the same key finishes.
#pragma once

#include <string>
#include <vector>

#include "libs/async/batcher.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/refund_accounts.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

// Thread-safe. Outlives the calls under way: destroy it after the Runtime has stopped
// (async::Batcher).
class ChargeSteps {
 public:
  struct Outcome {
    Step step;  // Ended.
    Charge charge;
    bool replayed = false;  // An earlier request made it.
  };

  // References outlive this.
  ChargeSteps(Executor executor, ChargeStore& store, Settlement& settlement,
              RefundAccounts& accounts, Clock& clock);

  // Makes the step, whose id is new, or gives the one that the key already stands for. Its times
  // are set here. A step that was refused is an Outcome, not an error (FailureOf()). Errors: those
  // of ChargeStore::BeginStep(); kIdempotencyKeyReused; and with the payment's id in metadata
  // `payment_id`, all leaving the step in processing (or ended, where only the answer got lost):
  // kUnavailable, kDeadlineExceeded, kOverloaded; kInternal if the ledger will not decide.
  Task<absl::StatusOr<Outcome>> Run(Step step, std::string idempotency_key,
                                    audit::Origin origin = {});

  // Ends the authorization of a payment whose time is over: a step of its own, whose id follows
  // from the payment's. Errors as of Run().
  Task<absl::Status> Expire(const Payment& payment);

  // For the recovery worker: finishes a step in processing. Errors as of Run().
  Task<absl::StatusOr<StoredStep>> Finish(StoredStep stored);

 private:
  Task<absl::StatusOr<StoredStep>> TryFinish(StoredStep stored);
  // Gives back what a payment uses of limits that was canceled by the last of several steps at
  // once, of which none could know that before. What a crash after the record keeps from it counts
  // until the limits' windows are over.
  Task<void> ReleaseIfCanceled(const Payment& payment);

  ChargeStore& store_;
  Settlement& settlement_;
  RefundAccounts& accounts_;
  Clock& clock_;
  async::Batcher<StepResult, absl::StatusOr<StoredStep>> records_;
};

// ChargeStore::RecordSteps() of several, each for itself if they cannot be recorded together: one
// bad row holds up no other. Errors of all: kUnavailable, kDeadlineExceeded, kOverloaded.
Task<absl::StatusOr<std::vector<absl::StatusOr<StoredStep>>>> RecordEach(
    ChargeStore& store, std::vector<StepResult> results);

}  // namespace florin::payments
