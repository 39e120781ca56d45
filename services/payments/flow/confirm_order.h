// The way of an order, a schedule or a bulk, that its payer must approve, from the approval on: as
// that of a payment (confirm_payment.h).
//
//   1. the order is looked after from now on (a crash after 2 is found by the worker)
//   2. its approval is redeemed at auth, for a digest made of what is kept of the order
//   3. the executing step: the order begins if the same digest follows from its row, and of a bulk
//      from its items, in that very transaction (OrderApprovalStore::StartApproved)
//   4. its worker pays, as long as the order is what was approved (IsApproved())
//
// Every step is idempotent, so the way may be gone any number of times, by several at once.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/payment_approvals.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::payments {

// Thread-safe; several replicas may run one each.
class ConfirmOrder {
 public:
  static constexpr int kClaimedAtOnce = 100;

  // References outlive this.
  ConfirmOrder(OrderApprovalStore& store, PaymentApprovals& approvals, Clock& clock)
      : store_(store), approvals_(approvals), clock_(clock) {}

  // Asks the payer of an order that waits. Idempotent. Errors: those of PaymentApprovals::Ask().
  Task<absl::Status> Ask(rpc::Outgoing context, AwaitedOrder order);

  // Lets the order begin. OK also if it does not wait any more, and if a final refusal of its
  // approval has just canceled it. `context` is for calls made as this service. Errors:
  // kScheduleNotFound or kBulkNotFound, also for an order of another user; kApprovalPending;
  // kUnavailable, kDeadlineExceeded, kOverloaded, kInternal: unknown, repeat.
  Task<absl::Status> Run(rpc::Outgoing context, Uuid user_id, Uuid order_id, audit::Origin origin);

  // For a worker: lets orders begin whose approval was redeemed, and gives up those whose approval
  // will never be. Redeems nothing itself. Gives how many orders it looked at. Errors:
  // kUnavailable, kInternal of the store.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::Status> Start(rpc::Outgoing context, AwaitedOrder order, bool only_if_redeemed,
                           audit::Origin origin);
  // If `why` ends it. Otherwise that is for the caller to know.
  Task<absl::Status> GiveUp(AwaitedOrder order, absl::Status why, audit::Origin origin);

  OrderApprovalStore& store_;
  PaymentApprovals& approvals_;
  Clock& clock_;
};

}  // namespace florin::payments
