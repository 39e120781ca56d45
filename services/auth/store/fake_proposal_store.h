// Proposals in memory, for tests of what is built on them. Passes the same contract test as the
// real store.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/auth/store/proposal_store.h"

namespace florin::auth {

class FakeProposalStore : public ProposalStore {
 public:
  Task<absl::StatusOr<StoredProposal>> Insert(Proposal proposal, ProposalRequest request) override;
  Task<absl::StatusOr<Proposal>> Get(Uuid proposal_id) override;
  Task<absl::StatusOr<std::vector<Proposal>>> List(std::optional<Uuid> after, int limit) override;
  Task<absl::StatusOr<Proposal>> Decide(Uuid proposal_id, Decision decide,
                                        audit::Origin origin) override;

 private:
  struct Request {
    Uuid proposal_id;
    crypto::Digest fingerprint;
  };

  std::mutex mutex_;
  std::map<Uuid, Proposal> proposals_;  // Guarded by mutex_.
  // By maker and key. Guarded by mutex_.
  std::map<std::pair<std::string, std::string>, Request> requests_;
};

}  // namespace florin::auth
