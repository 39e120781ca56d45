// Proposals in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/proposal_store.h"

namespace florin::auth {

class PgProposalStore : public ProposalStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgProposalStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<StoredProposal>> Insert(Proposal proposal, ProposalRequest request) override;
  Task<absl::StatusOr<Proposal>> Get(Uuid proposal_id) override;
  Task<absl::StatusOr<std::vector<Proposal>>> List(std::optional<Uuid> after, int limit) override;
  Task<absl::StatusOr<Proposal>> Decide(Uuid proposal_id, Decision decide,
                                        audit::Origin origin) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
