#include "services/auth/flow/role_changes.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "services/auth/flow/proposal_payload.h"

namespace florin::auth {
namespace {

// Each wish's own, so that it takes effect once.
Uuid ChangeIdOf(const RoleChanges::Wish& wish) {
  return wish.proposal_id
             ? DeriveId("florin.auth.role_change.proposal", wish.proposal_id->ToString())
             : DeriveId("florin.auth.role_change.request",
                        wish.caller + "\n" + wish.idempotency_key);
}

}  // namespace

Task<absl::StatusOr<RoleChanges::Outcome>> RoleChanges::Run(Wish wish) {
  RoleChange change{
      .change_id = ChangeIdOf(wish),
      .user_id = wish.user_id,
      .role = wish.role,
      .assigned = wish.assigned,
      .changed_by = wish.caller,
      .proposal_id = wish.proposal_id,
      .change_time = InMicroseconds(clock_.Now()),
      .origin = wish.origin,
  };
  const absl::StatusOr<bool> exists = co_await roles_.UserExists(wish.user_id);
  if (!exists.ok()) co_return exists.status();
  if (!*exists) co_return Error(Reason::kUserNotFound, "no such user", {.param = "user_id"});
  if (wish.proposal_id) {
    Execution execution{
        .executor = "auth",
        .kind = wish.assigned ? kAssignRoleKind : kRemoveRoleKind,
        .payload_digest = PayloadDigest(RolePayload(wish.user_id, wish.role)),
        .execution_id = change.change_id.ToString(),
    };
    FLORIN_CO_RETURN_IF_ERROR(
        co_await Consume(*wish.proposal_id, std::move(execution), wish.origin));
  } else if (NeedsProposal(wish.role) && (wish.role != Role::kAdmin || !wish.assigned)) {
    co_return Error(Reason::kProposalNeeded, "two people decide on this", {.param = "proposal_id"});
  }
  const bool founding = !wish.proposal_id && wish.role == Role::kAdmin;
  Task<absl::StatusOr<StoredRoleChange>> making =
      founding ? roles_.Found(std::move(change)) : roles_.Change(std::move(change));
  absl::StatusOr<StoredRoleChange> stored = co_await std::move(making);
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_change) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key came with another request");
  }
  co_return Outcome{.roles = std::move(stored->roles), .replayed = !stored->made};
}

Task<absl::Status> RoleChanges::Consume(Uuid proposal_id, Execution execution,
                                        audit::Origin origin) {
  const absl::Time now = InMicroseconds(clock_.Now());
  ProposalStore::Decision decide = [&execution, now](Proposal proposal) {
    return Execute(std::move(proposal), execution, now);
  };
  const absl::StatusOr<Proposal> executed =
      co_await proposals_.Decide(proposal_id, std::move(decide), std::move(origin));
  co_return executed.status();
}

}  // namespace florin::auth
