// The way of a payment that its payer must approve, from the approval on:
//
//   1. the payment is looked after from now on (a crash after 2 is found by the recovery worker)
//   2. its approval is redeemed at auth, for a digest made of what is kept of the payment
//   3. the executing step: the payment goes to processing if the same digest follows from its row
//      in that very transaction (ApprovalStore::Start)
//   4. Settlement, as for any other payment; it posts only what agrees with the digest
//
// Every step is idempotent, so the way may be gone any number of times, by several at once: the
// approval is redeemed by one payment, and its ledger transaction has one id.
#pragma once

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/payment_approvals.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {

// Thread-safe.
class ConfirmPayment {
 public:
  // References outlive this. `accounts`: who may still pay from the source is asked before an
  // approval is redeemed; without it only owners pay.
  ConfirmPayment(ApprovalStore& store, PaymentApprovals& approvals, Settlement& settlement,
                 Clock& clock, AccountDirectory* accounts = nullptr)
      : store_(store),
        approvals_(approvals),
        settlement_(settlement),
        clock_(clock),
        accounts_(accounts) {}

  // Executes the payment, or gives it as it is if it has ended: succeeded, failed or canceled,
  // which it also is after a final refusal of its approval (its failure_reason says which), and if
  // its user may not pay from the source any more (EndsPayment()).
  // `context` is for calls made as this service. Errors: kPaymentNotFound, also for a payment of
  // another user; kApprovalPending, with the payment's id in metadata `payment_id`; kUnavailable,
  // kDeadlineExceeded, kOverloaded, kInternal: unknown, repeat.
  Task<absl::StatusOr<Payment>> Run(rpc::Outgoing context, Uuid user_id, Uuid payment_id,
                                    audit::Origin origin = {});

  // For the recovery worker: finishes a payment that requires action whose approval was redeemed,
  // and gives up one whose approval will never be. Redeems nothing itself. Errors as of Run(), of
  // which kApprovalPending means that there is nothing to do yet.
  Task<absl::StatusOr<Payment>> Resume(Payment payment);

  // Gives up a payment that requires action, and gives it as canceled; also one that was canceled
  // before. Errors: kPaymentNotFound, kPaymentNotCancelable; kUnavailable, kInternal.
  Task<absl::StatusOr<Payment>> Cancel(Uuid user_id, Uuid payment_id, audit::Origin origin = {});

 private:
  Task<absl::StatusOr<Payment>> Start(rpc::Outgoing context, Payment payment, bool only_if_redeemed,
                                      audit::Origin origin);
  Task<absl::StatusOr<Payment>> GiveUp(Payment payment, absl::Status why, audit::Origin origin);
  // Whether its user may pay from the source at this moment.
  Task<absl::Status> CheckRight(rpc::Outgoing context, Payment payment);

  ApprovalStore& store_;
  PaymentApprovals& approvals_;
  Settlement& settlement_;
  Clock& clock_;
  AccountDirectory* const accounts_;
};

}  // namespace florin::payments
