#include "services/auth/rpc/proposals_rpc.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/audit/call_origin.h"
#include "libs/clock/microseconds.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/auth/flow/proposal_payload.h"

namespace florin::auth {
namespace {

constexpr std::size_t kLongestExecutionId = 64;

v1::Proposal::State ToProto(ProposalState state) {
  switch (state) {
    case ProposalState::kProposed:
      return v1::Proposal::PROPOSED;
    case ProposalState::kApproved:
      return v1::Proposal::APPROVED;
    case ProposalState::kExecuted:
      return v1::Proposal::EXECUTED;
    case ProposalState::kRejected:
      return v1::Proposal::REJECTED;
    case ProposalState::kWithdrawn:
      return v1::Proposal::WITHDRAWN;
    case ProposalState::kExpired:
      return v1::Proposal::EXPIRED;
  }
  return v1::Proposal::STATE_UNSPECIFIED;
}

v1::Proposal ToProto(const Proposal& proposal, absl::Time now) {
  v1::Proposal proto;
  proto.set_proposal_id(FormatId(IdKind::kProposal, proposal.proposal_id));
  proto.set_kind(proposal.kind);
  proto.set_payload(proposal.payload);
  proto.set_payload_digest(proposal.payload_digest);
  proto.set_maker(proposal.maker);
  proto.set_state(ToProto(StateAt(proposal, now)));
  proto.set_people_needed(proposal.people_needed);
  SetTime(proposal.create_time, *proto.mutable_create_time());
  SetTime(proposal.expire_time, *proto.mutable_expire_time());
  for (const ProposalDecision& decision : proposal.decisions) {
    v1::ProposalDecision& shown = *proto.add_decisions();
    shown.set_decision(std::string(NameOf(decision.decision)));
    shown.set_actor(decision.actor);
    SetTime(decision.time, *shown.mutable_time());
  }
  return proto;
}

absl::StatusOr<Uuid> ReadId(const std::string& text) {
  return ParseId(IdKind::kProposal, text, "proposal_id");
}

absl::Status CheckExecutionId(const std::string& id) {
  const bool visible =
      std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!id.empty() && id.size() <= kLongestExecutionId && visible) return absl::OkStatus();
  return Error(Reason::kInvalidField, "1 to 64 visible ASCII characters",
               {.param = "execution_id"});
}

}  // namespace

// In whole microseconds, as the database keeps them.
absl::Time ProposalsRpc::Now() const { return InMicroseconds(clock_.Now()); }

Task<absl::Status> ProposalsRpc::CheckPresentScope(const rpc::Call& call, std::string_view scope) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  const absl::StatusOr<Roles> roles = co_await roles_.RolesOf(user);
  if (!roles.ok()) co_return roles.status();
  if (HasScope(*roles, scope)) co_return absl::OkStatus();
  co_return Error(Reason::kScopeMissing, "the user has no role with this scope",
                  {.metadata = {{"scope", std::string(scope)}}});
}

Task<absl::Status> ProposalsRpc::CheckChecker(const rpc::Call& call, Uuid proposal_id) {
  const absl::StatusOr<Proposal> proposal = co_await store_.Get(proposal_id);
  if (!proposal.ok()) co_return proposal.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const ProposalKind kind, FindProposalKind(proposal->kind));
  // The token must have been asked for with it, too.
  if (!call.principal().HasScope(kind.checker_scope)) {
    co_return Error(Reason::kScopeMissing, "the token lacks a scope",
                    {.metadata = {{"scope", std::string(kind.checker_scope)}}});
  }
  co_return co_await CheckPresentScope(call, kind.checker_scope);
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::CreateProposal(
    rpc::Call& call, const v1::CreateProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const ProposalKind kind, FindProposalKind(request.kind()));
  FLORIN_CO_RETURN_IF_ERROR(CheckPayload(request.payload()));
  const std::string& maker = call.principal().user_id;
  const absl::Status scope = co_await CheckPresentScope(call, "proposals:write");
  if (!scope.ok()) {
    RefusedAttempts::Attempt attempt{
        .action = "auth.proposal.create", .actor = maker, .subject = ""};
    co_return co_await refused_.Note(call, std::move(attempt), scope);
  }
  const absl::Time now = Now();
  Proposal proposal{.proposal_id = ids_.NewId(),
                    .kind = request.kind(),
                    .payload = request.payload(),
                    .payload_digest = PayloadDigest(request.payload()),
                    .maker = maker,
                    .people_needed = kind.people_needed,
                    .create_time = now,
                    .expire_time = now + kProposalLifetime};
  const Uuid id = proposal.proposal_id;
  ProposalRequest key{
      .idempotency_key = call.idempotency_key(),
      .fingerprint = crypto::Sha256(absl::StrCat("florin.auth.v1.Proposals/CreateProposal\n",
                                                 request.kind(), "\n", request.payload())),
      .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<StoredProposal> stored =
      co_await store_.Insert(std::move(proposal), std::move(key));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key came with another request");
  }
  if (stored->proposal.proposal_id != id) call.MarkReplayed();
  co_return ToProto(stored->proposal, now);
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::GetProposal(
    rpc::Call&, const v1::GetProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadId(request.proposal_id()));
  const absl::StatusOr<Proposal> proposal = co_await store_.Get(id);
  if (!proposal.ok()) co_return proposal.status();
  co_return ToProto(*proposal, Now());
}

Task<absl::StatusOr<v1::ListProposalsResponse>> ProposalsRpc::ListProposals(
    rpc::Call&, const v1::ListProposalsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Proposal>> found = co_await store_.List(page.after, page.size + 1);
  if (!found.ok()) co_return found.status();
  v1::ListProposalsResponse response;
  response.set_next_page_token(
      CutPage(page, *found, [](const Proposal& proposal) { return proposal.proposal_id; }));
  const absl::Time now = Now();
  for (const Proposal& proposal : *found) *response.add_proposals() = ToProto(proposal, now);
  co_return response;
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::Decide(const rpc::Call& call,
                                                        RefusedAttempts::Attempt attempt,
                                                        Uuid proposal_id,
                                                        ProposalStore::Decision decide) {
  const absl::StatusOr<Proposal> decided =
      co_await store_.Decide(proposal_id, std::move(decide), audit::OriginOfCall(call));
  if (!decided.ok()) {
    co_return co_await refused_.Note(call, std::move(attempt), decided.status());
  }
  co_return ToProto(*decided, Now());
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::ApproveProposal(
    rpc::Call& call, const v1::ApproveProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadId(request.proposal_id()));
  RefusedAttempts::Attempt attempt{.action = "auth.proposal.approve",
                                   .actor = call.principal().user_id,
                                   .subject = request.proposal_id()};
  const absl::Status checker_status = co_await CheckChecker(call, id);
  if (!checker_status.ok()) {
    co_return co_await refused_.Note(call, std::move(attempt), checker_status);
  }
  ProposalStore::Decision decide =
      [checker = call.principal().user_id, digest = request.payload_digest(), now = Now()](
          Proposal proposal) { return Approve(std::move(proposal), checker, digest, now); };
  co_return co_await Decide(call, std::move(attempt), id, std::move(decide));
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::RejectProposal(
    rpc::Call& call, const v1::RejectProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadId(request.proposal_id()));
  RefusedAttempts::Attempt attempt{.action = "auth.proposal.reject",
                                   .actor = call.principal().user_id,
                                   .subject = request.proposal_id()};
  const absl::Status checker_status = co_await CheckChecker(call, id);
  if (!checker_status.ok()) {
    co_return co_await refused_.Note(call, std::move(attempt), checker_status);
  }
  ProposalStore::Decision decide = [checker = call.principal().user_id,
                                    now = Now()](Proposal proposal) {
    return Reject(std::move(proposal), checker, now);
  };
  co_return co_await Decide(call, std::move(attempt), id, std::move(decide));
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::WithdrawProposal(
    rpc::Call& call, const v1::WithdrawProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadId(request.proposal_id()));
  RefusedAttempts::Attempt attempt{.action = "auth.proposal.withdraw",
                                   .actor = call.principal().user_id,
                                   .subject = request.proposal_id()};
  ProposalStore::Decision decide = [maker = call.principal().user_id,
                                    now = Now()](Proposal proposal) {
    return Withdraw(std::move(proposal), maker, now);
  };
  co_return co_await Decide(call, std::move(attempt), id, std::move(decide));
}

Task<absl::StatusOr<v1::Proposal>> ProposalsRpc::ConsumeProposal(
    rpc::Call& call, const v1::ConsumeProposalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ReadId(request.proposal_id()));
  RefusedAttempts::Attempt attempt{
      .action = "auth.proposal.execute", .actor = call.caller(), .subject = request.proposal_id()};
  FLORIN_CO_RETURN_IF_ERROR(CheckExecutionId(request.execution_id()));
  ProposalStore::Decision decide =
      [execution = Execution{.executor = call.caller(),
                             .kind = request.kind(),
                             .payload_digest = request.payload_digest(),
                             .execution_id = request.execution_id()},
       now = Now()](Proposal proposal) { return Execute(std::move(proposal), execution, now); };
  co_return co_await Decide(call, std::move(attempt), id, std::move(decide));
}

}  // namespace florin::auth
