// What users are, and which scopes that gives them: the one table, printed in docs/api.md.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::auth {

enum class Role { kCustomer, kMerchant, kOperator, kAdmin };
std::string_view NameOf(Role role);  // "customer", …

// The roles that a user was given. Everybody is a customer besides, which is never kept.
using Roles = std::set<Role>;

// One that can be given and taken: not customer. Error: kInvalidRole with param `role`. Pure.
absl::StatusOr<Role> ParseAssignableRole(std::string_view name);

// Whether it takes two people to give or take it. Pure.
bool NeedsProposal(Role role);

struct Scope {
  std::string_view name;
  std::vector<Role> roles;    // That have it.
  bool for_api_keys = false;  // Whether an API key can have it.
};

// In the order in which scopes are written. What manages keys, authenticators, roles or proposals
// is not for keys: a stolen key could make itself another one.
std::span<const Scope> UserScopes();

// The scopes that may be granted to a user with these roles: the union of the roles' and of a
// customer's. In the order of UserScopes(). Pure.
std::vector<std::string> ScopesOf(const Roles& roles);

bool HasScope(const Roles& roles, std::string_view scope);

}  // namespace florin::auth
