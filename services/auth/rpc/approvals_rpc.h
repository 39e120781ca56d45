// florin.auth.v1.Approvals over gRPC.
#pragma once

#include "florin/auth/v1/approvals.rpc.h"
#include "libs/clock/clock.h"
#include "services/auth/flow/payment_approvals.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class ApprovalsRpc : public v1::ApprovalsService {
 public:
  ApprovalsRpc(PaymentApprovals& approvals, Clock& clock) : approvals_(approvals), clock_(clock) {}

  Task<absl::StatusOr<v1::Approval>> CreateApproval(
      rpc::Call& call, const v1::CreateApprovalRequest& request) override;
  Task<absl::StatusOr<v1::Approval>> GetApproval(rpc::Call& call,
                                                 const v1::GetApprovalRequest& request) override;
  Task<absl::StatusOr<v1::BeginApprovalResponse>> BeginApproval(
      rpc::Call& call, const v1::BeginApprovalRequest& request) override;
  Task<absl::StatusOr<v1::Approval>> ApproveApproval(
      rpc::Call& call, const v1::ApproveApprovalRequest& request) override;
  Task<absl::StatusOr<v1::Approval>> DeclineApproval(
      rpc::Call& call, const v1::DeclineApprovalRequest& request) override;
  Task<absl::StatusOr<v1::RedeemApprovalResponse>> RedeemApproval(
      rpc::Call& call, const v1::RedeemApprovalRequest& request) override;

 private:
  absl::StatusOr<v1::Approval> Answer(const absl::StatusOr<PaymentApproval>& approval);

  PaymentApprovals& approvals_;
  Clock& clock_;
};

}  // namespace florin::auth
