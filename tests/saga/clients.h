// What clients do, as coroutines in a process of payments: one call each, whose answer is noted in
// the world, unless the process crashes before.
#pragma once

#include "tests/saga/world.h"

namespace florin::saga {

// Where a call runs, and whose it is.
struct Asking {
  World* world;
  PaymentsProcess* process;
  Promise* promise;
  int call;
  bool other = false;  // Asks for something else under the promise's key.
};

Task<void> AskForPayment(Asking asking, payments::PaymentRequest request);
Task<void> AskForStep(Asking asking, payments::Step step);
Task<void> AskForPayout(Asking asking, payments::PayoutRequest request);
Task<void> AskForSchedule(Asking asking, payments::Schedule wanted);
Task<void> AskForBulk(Asking asking, WantedBulk wanted);
// `wrong`: why the chunk is to be refused.
Task<void> AskToAdd(Asking asking, std::vector<payments::BulkItem> chunk,
                    std::optional<Reason> wrong);
Task<void> AskToSubmit(Asking asking);
Task<void> AskToCancelBulk(Asking asking);
Task<void> AskToConfirm(Asking asking);
Task<void> AskToConfirmOrder(Asking asking);
Task<void> AskToCancel(Asking asking);
Task<void> SubmitEvidence(Asking asking, Uuid payee);

}  // namespace florin::saga
