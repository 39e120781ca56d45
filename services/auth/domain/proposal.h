// Maker and checker: an action that one person proposes, others approve and a service executes
// once (proto/florin/auth/v1/proposals.proto). A state machine of pure functions.
//
//   kProposed -> kApproved -> kExecuted
//       \------------\------> kRejected, kWithdrawn; kExpired by time alone
//
// Every function gives the proposal as it is afterwards, and the same one if what is asked was done
// before: so all of them may be repeated.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::auth {

inline constexpr absl::Duration kProposalLifetime = absl::Hours(24);

// What can be proposed.
struct ProposalKind {
  std::string_view name;
  std::string_view checker_scope;  // What whoever decides on it must have.
  std::string_view executor;       // The service that does it.
  int people_needed = 2;           // Its maker among them.
};
inline constexpr char kAssignRoleKind[] = "roles.assign";
inline constexpr char kRemoveRoleKind[] = "roles.remove";
// Error: kInvalidProposalKind with param `kind`. Pure.
absl::StatusOr<ProposalKind> FindProposalKind(std::string_view name);

enum class ProposalState { kProposed, kApproved, kExecuted, kRejected, kWithdrawn, kExpired };
std::string_view NameOf(ProposalState state);  // "proposed", …
std::optional<ProposalState> ProposalStateFromName(std::string_view name);

struct ProposalDecision {
  ProposalState decision = ProposalState::kApproved;  // Approved, executed, rejected, withdrawn.
  std::string actor;                                  // `usr_…`, or the service that executed it.
  absl::Time time;

  friend bool operator==(const ProposalDecision&, const ProposalDecision&) = default;
};

struct Proposal {
  Uuid proposal_id;
  std::string kind;
  std::string payload;         // Canonical JSON.
  std::string payload_digest;  // SHA-256, in hexadecimal digits.
  std::string maker;           // `usr_…`
  int people_needed = 2;
  ProposalState state = ProposalState::kProposed;  // As it was last decided; see StateAt().
  absl::Time create_time;                          // Times are whole microseconds.
  absl::Time expire_time;
  std::string execution_id = {};  // Of who executed it; else empty.
  std::vector<ProposalDecision> decisions = {};

  friend bool operator==(const Proposal&, const Proposal&) = default;
};

// The state at `now`: what was neither executed nor ended in time has expired. Pure.
ProposalState StateAt(const Proposal& proposal, absl::Time now);

// A checker approves what has this digest; enough of them make it kApproved. The checker's right
// (ProposalKind::checker_scope) is the caller's to see to. Errors: kSelfApproval, kProposalAltered,
// kProposalClosed, kProposalExpired. Pure.
absl::StatusOr<Proposal> Approve(Proposal proposal, const std::string& checker,
                                 std::string_view payload_digest, absl::Time now);

// A checker ends it, whoever has approved it. Errors: kSelfApproval, kProposalClosed,
// kProposalExpired. Pure.
absl::StatusOr<Proposal> Reject(Proposal proposal, const std::string& checker, absl::Time now);

// Its maker ends it. Errors: kNotTheMaker, kProposalClosed, kProposalExpired. Pure.
absl::StatusOr<Proposal> Withdraw(Proposal proposal, const std::string& maker, absl::Time now);

struct Execution {
  std::string executor;  // The service.
  std::string kind;
  std::string payload_digest;  // Of what it does.
  std::string execution_id;
};
// A service uses the approval up. Errors: kCallerNotAllowed unless it executes this kind;
// kProposalAltered, kProposalNotApproved, kProposalExecuted (by another execution id),
// kProposalClosed, kProposalExpired. Pure.
absl::StatusOr<Proposal> Execute(Proposal proposal, const Execution& execution, absl::Time now);

}  // namespace florin::auth
