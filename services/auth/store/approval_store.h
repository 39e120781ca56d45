// Where approvals of payments are kept, for ever: they are evidence of what payers approved.
#pragma once

#include <functional>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/status/status.h"
#include "services/auth/domain/payment_approval.h"

namespace florin::auth {

// Thread-safe. Errors besides those named: kUnavailable (the outcome of a write is then unknown),
// kInternal.
class ApprovalStore {
 public:
  virtual ~ApprovalStore() = default;

  // Inserts the approval unless its id is known, and gives what is kept under the id. Idempotent.
  virtual Task<absl::StatusOr<PaymentApproval>> InsertApproval(PaymentApproval approval) = 0;

  // Error: kApprovalNotFound.
  virtual Task<absl::StatusOr<PaymentApproval>> FindApproval(Uuid approval_id) = 0;

  // A rule of domain/payment_approval.h, or one of its likes: changes state, ceremony_id,
  // approve_time and end_time of what it is given, and decides. Must be pure: it may run several
  // times.
  using Rule = std::function<absl::Status(PaymentApproval&)>;

  // Applies `rule` to what is kept and keeps what it makes of it, in one transaction and one after
  // the other for each approval, also where the rule gives an error. Gives what is kept afterwards,
  // or the rule's error. A change of state is in the audit trail, by the same transaction, as
  // auth.approval.approve, decline or redeem. Error: kApprovalNotFound.
  virtual Task<absl::StatusOr<PaymentApproval>> UpdateApproval(Uuid approval_id, Rule rule,
                                                               audit::Origin origin) = 0;
};

}  // namespace florin::auth
