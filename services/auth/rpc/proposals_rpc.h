// florin.auth.v1.Proposals over gRPC.
#pragma once

#include "florin/auth/v1/proposals.rpc.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/auth/rpc/refused_attempts.h"
#include "services/auth/store/proposal_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class ProposalsRpc : public v1::ProposalsService {
 public:
  ProposalsRpc(ProposalStore& store, RoleStore& roles, RefusedAttempts& refused, Clock& clock,
               IdSource& ids)
      : store_(store), roles_(roles), refused_(refused), clock_(clock), ids_(ids) {}

  Task<absl::StatusOr<v1::Proposal>> CreateProposal(
      rpc::Call& call, const v1::CreateProposalRequest& request) override;
  Task<absl::StatusOr<v1::Proposal>> GetProposal(rpc::Call& call,
                                                 const v1::GetProposalRequest& request) override;
  Task<absl::StatusOr<v1::ListProposalsResponse>> ListProposals(
      rpc::Call& call, const v1::ListProposalsRequest& request) override;
  Task<absl::StatusOr<v1::Proposal>> ApproveProposal(
      rpc::Call& call, const v1::ApproveProposalRequest& request) override;
  Task<absl::StatusOr<v1::Proposal>> RejectProposal(
      rpc::Call& call, const v1::RejectProposalRequest& request) override;
  Task<absl::StatusOr<v1::Proposal>> WithdrawProposal(
      rpc::Call& call, const v1::WithdrawProposalRequest& request) override;
  Task<absl::StatusOr<v1::Proposal>> ConsumeProposal(
      rpc::Call& call, const v1::ConsumeProposalRequest& request) override;

 private:
  absl::Time Now() const;
  // Whether the user's roles give them the scope now, whatever their token says.
  Task<absl::Status> CheckPresentScope(const rpc::Call& call, std::string_view scope);
  // Whether the caller may decide on the proposal.
  Task<absl::Status> CheckChecker(const rpc::Call& call, Uuid proposal_id);
  Task<absl::StatusOr<v1::Proposal>> Decide(const rpc::Call& call, RefusedAttempts::Attempt attempt,
                                            Uuid proposal_id, ProposalStore::Decision decide);

  ProposalStore& store_;
  RoleStore& roles_;
  RefusedAttempts& refused_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::auth
