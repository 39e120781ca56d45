#include "services/auth/store/fake_approval_store.h"

#include <utility>

namespace florin::auth {
namespace {

absl::Status NotFound() { return Error(Reason::kApprovalNotFound, "no such approval"); }

}  // namespace

Task<absl::StatusOr<PaymentApproval>> FakeApprovalStore::InsertApproval(PaymentApproval approval) {
  const std::lock_guard lock(mutex_);
  const Uuid id = approval.approval_id;
  co_return approvals_.try_emplace(id, std::move(approval)).first->second;
}

Task<absl::StatusOr<PaymentApproval>> FakeApprovalStore::FindApproval(Uuid approval_id) {
  const std::lock_guard lock(mutex_);
  const auto approval = approvals_.find(approval_id);
  if (approval == approvals_.end()) co_return NotFound();
  co_return approval->second;
}

Task<absl::StatusOr<PaymentApproval>> FakeApprovalStore::UpdateApproval(Uuid approval_id, Rule rule,
                                                                        audit::Origin) {
  const std::lock_guard lock(mutex_);
  const auto approval = approvals_.find(approval_id);
  if (approval == approvals_.end()) co_return NotFound();
  FLORIN_CO_RETURN_IF_ERROR(rule(approval->second));
  co_return approval->second;
}

}  // namespace florin::auth
