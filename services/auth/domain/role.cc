#include "services/auth/domain/role.h"

#include <algorithm>

namespace florin::auth {
namespace {

constexpr Role kAllRoles[] = {Role::kCustomer, Role::kMerchant, Role::kOperator, Role::kAdmin};

bool Has(const Scope& scope, const Roles& roles) {
  return std::any_of(scope.roles.begin(), scope.roles.end(), [&roles](Role role) {
    return role == Role::kCustomer || roles.contains(role);
  });
}

}  // namespace

std::string_view NameOf(Role role) {
  switch (role) {
    case Role::kCustomer:
      return "customer";
    case Role::kMerchant:
      return "merchant";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return {};
}

absl::StatusOr<Role> ParseAssignableRole(std::string_view name) {
  for (const Role role : kAllRoles) {
    if (role != Role::kCustomer && name == NameOf(role)) return role;
  }
  return Error(Reason::kInvalidRole, "no role that can be given or taken", {.param = "role"});
}

bool NeedsProposal(Role role) { return role == Role::kOperator || role == Role::kAdmin; }

std::span<const Scope> UserScopes() {
  static const std::vector<Scope> kScopes = {
      {.name = "accounts:read", .roles = {Role::kCustomer}, .for_api_keys = true},
      {.name = "accounts:write", .roles = {Role::kCustomer}, .for_api_keys = true},
      {.name = "authenticators:read", .roles = {Role::kCustomer}},
      {.name = "authenticators:write", .roles = {Role::kCustomer}},
      {.name = "payments:read", .roles = {Role::kCustomer}, .for_api_keys = true},
      {.name = "payments:write", .roles = {Role::kCustomer}, .for_api_keys = true},
      {.name = "api_keys:read", .roles = {Role::kMerchant}},
      {.name = "api_keys:write", .roles = {Role::kMerchant}},
      {.name = "proposals:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "proposals:write", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "proposals:approve", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "roles:approve", .roles = {Role::kAdmin}},
      {.name = "disputes:resolve", .roles = {Role::kOperator}},
      {.name = "limits:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "limits:write", .roles = {Role::kOperator}},
      {.name = "interest:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "interest:write", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "reconciliation:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "reconciliation:write", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "suspense:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "suspense:write", .roles = {Role::kOperator}},
      {.name = "customers:read", .roles = {Role::kOperator, Role::kAdmin}},
      {.name = "customers:write", .roles = {Role::kOperator, Role::kAdmin}},
  };
  return kScopes;
}

std::vector<std::string> ScopesOf(const Roles& roles) {
  std::vector<std::string> scopes;
  for (const Scope& scope : UserScopes()) {
    if (Has(scope, roles)) scopes.emplace_back(scope.name);
  }
  return scopes;
}

bool HasScope(const Roles& roles, std::string_view name) {
  const std::span<const Scope> scopes = UserScopes();
  return std::any_of(scopes.begin(), scopes.end(),
                     [&](const Scope& scope) { return scope.name == name && Has(scope, roles); });
}

}  // namespace florin::auth
