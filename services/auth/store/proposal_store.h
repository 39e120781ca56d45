// What auth keeps of proposals and the decisions on them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/proposal.h"

namespace florin::auth {

// The request that makes a proposal. Its key is one maker's.
struct ProposalRequest {
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};

// What is kept under a request's key. It is the request's own proposal if the ids agree.
struct StoredProposal {
  Proposal proposal;
  bool same_request = false;
};

// What was proposed and decided is in the audit trail, by its own transaction, as
// auth.proposal.create, approve, reject, withdraw and execute. Thread-safe. Every method is
// idempotent, so that it may be repeated after kUnavailable. Errors besides those named:
// kUnavailable (the outcome of a write is then unknown), kInternal.
class ProposalStore {
 public:
  // What becomes of a proposal: pure, and may run several times.
  using Decision = std::function<absl::StatusOr<Proposal>(Proposal)>;

  virtual ~ProposalStore() = default;

  // Keeps the proposal, as proposed, unless the key is known, and gives what is kept under it.
  virtual Task<absl::StatusOr<StoredProposal>> Insert(Proposal proposal,
                                                      ProposalRequest request) = 0;

  // Error: kProposalNotFound.
  virtual Task<absl::StatusOr<Proposal>> Get(Uuid proposal_id) = 0;

  // Everybody's, oldest (least id) first, at most `limit`, only those after `after`, if given.
  virtual Task<absl::StatusOr<std::vector<Proposal>>> List(std::optional<Uuid> after,
                                                           int limit) = 0;

  // Has `decide` decide on the proposal as it is, while nobody else does, and keeps what it gives:
  // state, execution id and new decisions. Errors: kProposalNotFound; those of `decide`, which
  // leave everything as it was.
  virtual Task<absl::StatusOr<Proposal>> Decide(Uuid proposal_id, Decision decide,
                                                audit::Origin origin) = 0;
};

}  // namespace florin::auth
