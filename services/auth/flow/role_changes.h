// Gives and takes roles; operators' and admins' only by an approved proposal.
#pragma once

#include <optional>
#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/store/proposal_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class RoleChanges {
 public:
  struct Wish {
    Uuid user_id;
    Role role = Role::kMerchant;
    bool assigned = true;  // false: take it away.
    std::optional<Uuid> proposal_id;
    std::string caller;  // The certificate's name.
    std::string idempotency_key;
    audit::Origin origin = {};
  };
  struct Outcome {
    Roles roles;  // Afterwards.
    bool replayed = false;
  };

  RoleChanges(RoleStore& roles, ProposalStore& proposals, Clock& clock)
      : roles_(roles), proposals_(proposals), clock_(clock) {}

  // A change by a proposal takes the proposal's id for its own, whatever the idempotency key: the
  // proposal is consumed first, under that id, and after a crash in between the same call does the
  // rest. Without one, operator and admin are refused, but for the first two admins.
  //
  // Errors: kUserNotFound (nothing is consumed); kProposalNeeded; kIdempotencyKeyReused; those of
  // Execute() in domain/proposal.h; kProposalNotFound; kUnavailable: repeat.
  Task<absl::StatusOr<Outcome>> Run(Wish wish);

 private:
  Task<absl::Status> Consume(Uuid proposal_id, Execution execution, audit::Origin origin);

  RoleStore& roles_;
  ProposalStore& proposals_;
  Clock& clock_;
};

}  // namespace florin::auth
