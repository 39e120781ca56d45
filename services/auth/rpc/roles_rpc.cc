#include "services/auth/rpc/roles_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"

namespace florin::auth {
namespace {

v1::UserRoles ToProto(const std::string& user_id, const Roles& roles) {
  v1::UserRoles proto;
  proto.set_user_id(user_id);
  proto.add_roles(std::string(NameOf(Role::kCustomer)));
  for (const Role role : roles) proto.add_roles(std::string(NameOf(role)));
  for (const std::string& scope : ScopesOf(roles)) proto.add_scopes(scope);
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::UserRoles>> RolesRpc::AssignRole(rpc::Call& call,
                                                         const v1::ChangeRoleRequest& request) {
  return Change(call, request, true);
}

Task<absl::StatusOr<v1::UserRoles>> RolesRpc::RemoveRole(rpc::Call& call,
                                                         const v1::ChangeRoleRequest& request) {
  return Change(call, request, false);
}

Task<absl::StatusOr<v1::UserRoles>> RolesRpc::Change(rpc::Call& call,
                                                     const v1::ChangeRoleRequest& request,
                                                     bool assigned) {
  RoleChanges::Wish wish;
  wish.assigned = assigned;
  FLORIN_CO_ASSIGN_OR_RETURN(wish.user_id, ParseId(IdKind::kUser, request.user_id(), "user_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(wish.role, ParseAssignableRole(request.role()));
  if (!request.proposal_id().empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(wish.proposal_id,
                               ParseId(IdKind::kProposal, request.proposal_id(), "proposal_id"));
  }
  wish.caller = call.caller();
  wish.idempotency_key = call.idempotency_key();
  wish.origin = audit::OriginOfCall(call);
  const absl::StatusOr<RoleChanges::Outcome> outcome = co_await changes_.Run(std::move(wish));
  if (!outcome.ok()) {
    RefusedAttempts::Attempt attempt{.action = assigned ? "auth.role.assign" : "auth.role.remove",
                                     .actor = call.caller(),
                                     .subject = request.user_id()};
    co_return co_await refused_.Note(call, std::move(attempt), outcome.status());
  }
  if (outcome->replayed) call.MarkReplayed();
  co_return ToProto(request.user_id(), outcome->roles);
}

Task<absl::StatusOr<v1::UserRoles>> RolesRpc::GetUserRoles(rpc::Call&,
                                                           const v1::GetUserRolesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, ParseId(IdKind::kUser, request.user_id(), "user_id"));
  const absl::StatusOr<bool> exists = co_await store_.UserExists(user);
  if (!exists.ok()) co_return exists.status();
  if (!*exists) co_return Error(Reason::kUserNotFound, "no such user", {.param = "user_id"});
  const absl::StatusOr<Roles> roles = co_await store_.RolesOf(user);
  if (!roles.ok()) co_return roles.status();
  co_return ToProto(request.user_id(), *roles);
}

}  // namespace florin::auth
