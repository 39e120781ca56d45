// Makes the payments of schedules when they are due:
//
//   1. what is due begins: its occurrences are kept, and the schedules go on to what is next, in
//      one commit
//   2. pending occurrences are taken with a lease
//   3. each is a payment by CreatePayment, under a key that follows from schedule and number, as
//      this service on behalf of the schedule's user
//   4. how it ended is recorded
//
// A crash after any of them is made up for by whoever takes the occurrence next: its payment has
// one key. Those of a schedule that its payer has approved as it is need no approval of their own
// (RTS Art. 14); all others the approval policy judges as any payment, so nothing slips past it.
#pragma once

#include <atomic>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/store/schedule_store.h"

namespace florin::payments {

// Thread-safe; several replicas may run one each.
class ScheduleWorker {
 public:
  // References outlive this.
  ScheduleWorker(ScheduleStore& store, CreatePayment& create, Clock& clock)
      : store_(store), create_(create), clock_(clock) {}

  // One round: begins what is due and pays what is pending, until nothing is. Gives how many
  // occurrences ended. Errors: kUnavailable, kInternal of the store; an occurrence that could not
  // be decided stays pending and is no error.
  Task<absl::StatusOr<int>> RunOnce();

  // Lets RunOnce() end after the occurrence under way.
  void Stop() { stopping_ = true; }

 private:
  // Gives whether it ended.
  Task<absl::StatusOr<bool>> Pay(DueOccurrence due);

  ScheduleStore& store_;
  CreatePayment& create_;
  Clock& clock_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace florin::payments
