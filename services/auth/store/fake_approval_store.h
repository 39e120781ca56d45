// Approvals in memory, for tests of what uses an ApprovalStore.
#pragma once

#include <map>
#include <mutex>

#include "services/auth/store/approval_store.h"

namespace florin::auth {

// Thread-safe.
class FakeApprovalStore : public ApprovalStore {
 public:
  Task<absl::StatusOr<PaymentApproval>> InsertApproval(PaymentApproval approval) override;
  Task<absl::StatusOr<PaymentApproval>> FindApproval(Uuid approval_id) override;
  Task<absl::StatusOr<PaymentApproval>> UpdateApproval(Uuid approval_id, Rule rule,
                                                       audit::Origin origin) override;

 private:
  std::mutex mutex_;
  std::map<Uuid, PaymentApproval> approvals_;  // Guarded by mutex_.
};

}  // namespace florin::auth
