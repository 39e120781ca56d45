#include "services/auth/store/fake_proposal_store.h"

namespace florin::auth {
namespace {

absl::Status NotFound() {
  return Error(Reason::kProposalNotFound, "no such proposal", {.param = "proposal_id"});
}

}  // namespace

Task<absl::StatusOr<StoredProposal>> FakeProposalStore::Insert(Proposal proposal,
                                                               ProposalRequest request) {
  const std::lock_guard lock(mutex_);
  const auto [known, is_new] =
      requests_.try_emplace(std::pair(proposal.maker, request.idempotency_key),
                            Request{proposal.proposal_id, request.fingerprint});
  if (is_new) {
    const Uuid id = proposal.proposal_id;
    proposals_.emplace(id, std::move(proposal));
  }
  co_return StoredProposal{.proposal = proposals_.at(known->second.proposal_id),
                           .same_request = known->second.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<Proposal>> FakeProposalStore::Get(Uuid proposal_id) {
  const std::lock_guard lock(mutex_);
  const auto proposal = proposals_.find(proposal_id);
  if (proposal == proposals_.end()) co_return NotFound();
  co_return proposal->second;
}

Task<absl::StatusOr<std::vector<Proposal>>> FakeProposalStore::List(std::optional<Uuid> after,
                                                                    int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Proposal> listed;
  for (auto at = proposals_.upper_bound(after.value_or(Uuid())); at != proposals_.end(); ++at) {
    if (std::ssize(listed) == limit) break;
    listed.push_back(at->second);
  }
  co_return listed;
}

Task<absl::StatusOr<Proposal>> FakeProposalStore::Decide(Uuid proposal_id, Decision decide,
                                                         audit::Origin) {
  const std::lock_guard lock(mutex_);
  const auto proposal = proposals_.find(proposal_id);
  if (proposal == proposals_.end()) co_return NotFound();
  absl::StatusOr<Proposal> decided = decide(proposal->second);
  if (decided.ok()) proposal->second = *decided;
  co_return decided;
}

}  // namespace florin::auth
