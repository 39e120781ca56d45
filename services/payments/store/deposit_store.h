// Money that rails have received, each once, and what became of it.
#pragma once

#include "libs/async/task.h"
#include "services/payments/domain/rail_deposit.h"

namespace florin::payments {

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors:
// kUnavailable (the outcome of a write is then unknown), kInternal.
class DepositStore {
 public:
  virtual ~DepositStore() = default;

  // Keeps a deposit whose id is new to its rail, and gives what is kept under that id.
  virtual Task<absl::StatusOr<RailDeposit>> ReceiveDeposit(RailDeposit deposit) = 0;

  // Moves the deposit from one stage to that of `changed` (MayAdvance()); account, user and payment
  // are kept when it leaves kReceived. Gives it as it is kept afterwards: unchanged if it was not
  // in stage `from`. It has been received.
  virtual Task<absl::StatusOr<RailDeposit>> AdvanceDeposit(DepositStage from,
                                                           RailDeposit changed) = 0;
};

}  // namespace florin::payments
