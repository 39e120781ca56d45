#include "services/payments/flow/proposals_double.h"

namespace florin::payments {
namespace {

absl::Status Unused() { return Error(Reason::kInternal, "payments does not call this"); }

}  // namespace

void ProposalsDouble::Approve(const std::string& proposal_id, const std::string& kind,
                              const std::string& payload_digest) {
  std::lock_guard lock(mutex_);
  rows_[proposal_id] = {.kind = kind, .digest = payload_digest, .execution_id = ""};
}

Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::ConsumeProposal(
    rpc::Call&, const auth::v1::ConsumeProposalRequest& request) {
  std::lock_guard lock(mutex_);
  const auto found = rows_.find(request.proposal_id());
  if (found == rows_.end()) co_return Error(Reason::kProposalNotFound, "no such proposal");
  Row& row = found->second;
  if (row.kind != request.kind() || row.digest != request.payload_digest()) {
    co_return Error(Reason::kProposalAltered, "not what was approved");
  }
  if (!row.execution_id.empty() && row.execution_id != request.execution_id()) {
    co_return Error(Reason::kProposalExecuted, "executed under another id");
  }
  row.execution_id = request.execution_id();
  co_return auth::v1::Proposal();
}

Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::CreateProposal(
    rpc::Call&, const auth::v1::CreateProposalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::GetProposal(
    rpc::Call&, const auth::v1::GetProposalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::ListProposalsResponse>> ProposalsDouble::ListProposals(
    rpc::Call&, const auth::v1::ListProposalsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::ApproveProposal(
    rpc::Call&, const auth::v1::ApproveProposalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::RejectProposal(
    rpc::Call&, const auth::v1::RejectProposalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::Proposal>> ProposalsDouble::WithdrawProposal(
    rpc::Call&, const auth::v1::WithdrawProposalRequest&) {
  co_return Unused();
}

}  // namespace florin::payments
