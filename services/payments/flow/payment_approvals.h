// Payments' side of the approvals that auth keeps: asks for them and redeems them.
#pragma once

#include "florin/auth/v1/approvals.rpc.h"
#include "libs/async/task.h"
#include "libs/crypto/sha256.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/payment.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::payments {

// Thread-safe.
class PaymentApprovals {
 public:
  // `approvals` outlives this.
  explicit PaymentApprovals(auth::v1::ApprovalsClient& approvals) : approvals_(approvals) {}

  // Asks the payer of `payment`, which has terms, to approve it. Idempotent. Errors: kUnavailable,
  // kDeadlineExceeded; kInternal if auth will not have it.
  Task<absl::Status> Ask(rpc::Outgoing context, Payment payment);
  // The same of an order.
  Task<absl::Status> Ask(rpc::Outgoing context, AskedApproval asked);

  // Redeems the approval of `payment` for `binding`, which the caller has made of what it is about
  // to execute. Idempotent. `only_if_redeemed`: finds out whether it was redeemed, and leaves it
  // otherwise. An approval that auth was never asked for is asked for first, so that its payer can
  // still give it, or time ends it. Errors: kApprovalPending; final ones (EndsPayment()):
  // kApprovalMismatch, kApprovalUsed, kApprovalExpired, kApprovalDeclined; kUnavailable,
  // kDeadlineExceeded, kInternal.
  Task<absl::Status> Redeem(rpc::Outgoing context, Payment payment, crypto::Digest binding,
                            bool only_if_redeemed);
  // The same of an order, for what `asked` binds.
  Task<absl::Status> Redeem(rpc::Outgoing context, AskedApproval asked, bool only_if_redeemed);

 private:
  Task<absl::Status> RedeemFor(rpc::Outgoing context, AskedApproval asked, crypto::Digest binding,
                               bool only_if_redeemed);

  auth::v1::ApprovalsClient& approvals_;
};

}  // namespace florin::payments
