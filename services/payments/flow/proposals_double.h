// A stand-in for auth's proposals, for tests: tests approve by themselves.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "florin/auth/v1/proposals.rpc.h"

namespace florin::payments {

// Thread-safe.
class ProposalsDouble : public auth::v1::ProposalsService {
 public:
  // What two people have agreed on: `payload_digest` in hexadecimal digits.
  void Approve(const std::string& proposal_id, const std::string& kind,
               const std::string& payload_digest);

  Task<absl::StatusOr<auth::v1::Proposal>> ConsumeProposal(
      rpc::Call& call, const auth::v1::ConsumeProposalRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<auth::v1::Proposal>> CreateProposal(
      rpc::Call& call, const auth::v1::CreateProposalRequest& request) override;
  Task<absl::StatusOr<auth::v1::Proposal>> GetProposal(
      rpc::Call& call, const auth::v1::GetProposalRequest& request) override;
  Task<absl::StatusOr<auth::v1::ListProposalsResponse>> ListProposals(
      rpc::Call& call, const auth::v1::ListProposalsRequest& request) override;
  Task<absl::StatusOr<auth::v1::Proposal>> ApproveProposal(
      rpc::Call& call, const auth::v1::ApproveProposalRequest& request) override;
  Task<absl::StatusOr<auth::v1::Proposal>> RejectProposal(
      rpc::Call& call, const auth::v1::RejectProposalRequest& request) override;
  Task<absl::StatusOr<auth::v1::Proposal>> WithdrawProposal(
      rpc::Call& call, const auth::v1::WithdrawProposalRequest& request) override;

 private:
  struct Row {
    std::string kind;
    std::string digest;
    std::string execution_id;  // Empty: not executed.
  };
  std::mutex mutex_;
  std::map<std::string, Row> rows_;  // Guarded by mutex_.
};

}  // namespace florin::payments
