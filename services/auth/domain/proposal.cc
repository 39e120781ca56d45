#include "services/auth/domain/proposal.h"

#include <algorithm>
#include <utility>

namespace florin::auth {
namespace {

constexpr ProposalKind kKinds[] = {
    {.name = kAssignRoleKind, .checker_scope = "roles:approve", .executor = "auth"},
    {.name = kRemoveRoleKind, .checker_scope = "roles:approve", .executor = "auth"},
    {.name = "payments.adjustment", .checker_scope = "proposals:approve", .executor = "payments"},
    {.name = "payments.dispute", .checker_scope = "proposals:approve", .executor = "payments"},
    {.name = "payments.limit", .checker_scope = "proposals:approve", .executor = "payments"},
    {.name = "payments.suspense", .checker_scope = "proposals:approve", .executor = "payments"},
    {.name = "accounts.limits", .checker_scope = "proposals:approve", .executor = "accounts"},
};

constexpr std::pair<ProposalState, std::string_view> kStates[] = {
    {ProposalState::kProposed, "proposed"},   {ProposalState::kApproved, "approved"},
    {ProposalState::kExecuted, "executed"},   {ProposalState::kRejected, "rejected"},
    {ProposalState::kWithdrawn, "withdrawn"}, {ProposalState::kExpired, "expired"},
};

bool WasDecided(const Proposal& proposal, ProposalState decision, std::string_view actor) {
  return std::any_of(proposal.decisions.begin(), proposal.decisions.end(),
                     [&](const ProposalDecision& known) {
                       return known.decision == decision && known.actor == actor;
                     });
}

absl::Status Closed(ProposalState state) {
  if (state == ProposalState::kExpired) {
    return Error(Reason::kProposalExpired, "the proposal has expired");
  }
  return Error(Reason::kProposalClosed, "the proposal was decided",
               {.metadata = {{"state", std::string(NameOf(state))}}});
}

// Whether something can still come of it.
bool IsOpen(ProposalState state) {
  return state == ProposalState::kProposed || state == ProposalState::kApproved;
}

absl::StatusOr<Proposal> End(Proposal proposal, ProposalState end, const std::string& actor,
                             absl::Time now) {
  if (WasDecided(proposal, end, actor)) return proposal;
  const ProposalState state = StateAt(proposal, now);
  if (!IsOpen(state)) return Closed(state);
  proposal.state = end;
  proposal.decisions.push_back({.decision = end, .actor = actor, .time = now});
  return proposal;
}

absl::Status SelfApproval() {
  return Error(Reason::kSelfApproval, "whoever made a proposal does not decide on it");
}

absl::Status Altered(const char* param) {
  return Error(Reason::kProposalAltered, "this is not what was proposed", {.param = param});
}

}  // namespace

absl::StatusOr<ProposalKind> FindProposalKind(std::string_view name) {
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [name](const ProposalKind& known) { return known.name == name; });
  if (kind != std::end(kKinds)) return *kind;
  return Error(Reason::kInvalidProposalKind, "no kind of proposal", {.param = "kind"});
}

std::string_view NameOf(ProposalState state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  return {};
}

std::optional<ProposalState> ProposalStateFromName(std::string_view text) {
  for (const auto& [state, name] : kStates) {
    if (name == text) return state;
  }
  return std::nullopt;
}

ProposalState StateAt(const Proposal& proposal, absl::Time now) {
  return IsOpen(proposal.state) && now >= proposal.expire_time ? ProposalState::kExpired
                                                               : proposal.state;
}

absl::StatusOr<Proposal> Approve(Proposal proposal, const std::string& checker,
                                 std::string_view payload_digest, absl::Time now) {
  if (checker == proposal.maker) return SelfApproval();
  if (payload_digest != proposal.payload_digest) return Altered("payload_digest");
  if (WasDecided(proposal, ProposalState::kApproved, checker)) return proposal;
  const ProposalState state = StateAt(proposal, now);
  if (state != ProposalState::kProposed) return Closed(state);
  proposal.decisions.push_back(
      {.decision = ProposalState::kApproved, .actor = checker, .time = now});
  // While it is proposed, approvals are all that was decided.
  const auto people = static_cast<int>(proposal.decisions.size()) + 1;
  if (people >= proposal.people_needed) proposal.state = ProposalState::kApproved;
  return proposal;
}

absl::StatusOr<Proposal> Reject(Proposal proposal, const std::string& checker, absl::Time now) {
  if (checker == proposal.maker) return SelfApproval();
  return End(std::move(proposal), ProposalState::kRejected, checker, now);
}

absl::StatusOr<Proposal> Withdraw(Proposal proposal, const std::string& maker, absl::Time now) {
  if (maker != proposal.maker) return Error(Reason::kNotTheMaker, "somebody else proposed it");
  return End(std::move(proposal), ProposalState::kWithdrawn, maker, now);
}

absl::StatusOr<Proposal> Execute(Proposal proposal, const Execution& execution, absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const ProposalKind kind, FindProposalKind(proposal.kind));
  if (execution.executor != kind.executor) {
    return Error(Reason::kCallerNotAllowed, "another service executes proposals of this kind");
  }
  if (execution.kind != proposal.kind) return Altered("kind");
  if (execution.payload_digest != proposal.payload_digest) return Altered("payload_digest");
  const ProposalState state = StateAt(proposal, now);
  if (state == ProposalState::kExecuted) {
    if (execution.execution_id == proposal.execution_id) return proposal;
    return Error(Reason::kProposalExecuted, "the proposal was executed under another id");
  }
  if (state == ProposalState::kProposed) {
    return Error(Reason::kProposalNotApproved, "nobody has approved the proposal yet");
  }
  if (state != ProposalState::kApproved) return Closed(state);
  proposal.state = ProposalState::kExecuted;
  proposal.execution_id = execution.execution_id;
  proposal.decisions.push_back(
      {.decision = ProposalState::kExecuted, .actor = execution.executor, .time = now});
  return proposal;
}

}  // namespace florin::auth
