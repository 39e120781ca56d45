#include "services/auth/domain/scope.h"

#include <algorithm>
#include <set>

namespace florin::auth {
namespace {

const Roles kEveryRole = {Role::kMerchant, Role::kOperator, Role::kAdmin};

bool IsForKeys(std::string_view name) {
  const std::span<const Scope> scopes = AllScopes();
  return std::any_of(scopes.begin(), scopes.end(), [name](const Scope& scope) {
    return scope.name == name && scope.for_api_keys;
  });
}

// `names` in the order of the table.
std::vector<std::string> InOrder(const std::set<std::string, std::less<>>& names) {
  std::vector<std::string> ordered;
  for (const Scope& scope : AllScopes()) {
    if (names.contains(scope.name)) ordered.emplace_back(scope.name);
  }
  return ordered;
}

std::string Join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += ' ';
    joined += name;
  }
  return joined;
}

}  // namespace

absl::StatusOr<std::string> GrantScopes(std::string_view requested, const Roles& roles) {
  if (requested.empty()) return Join(ScopesOf({}));
  std::set<std::string, std::less<>> granted;
  for (std::string_view rest = requested;;) {
    const std::size_t space = rest.find(' ');
    const std::string_view name = rest.substr(0, space);
    if (!HasScope(roles, name)) {
      return Error(Reason::kInvalidScope, "not a scope that the user has", {.param = "scope"});
    }
    granted.emplace(name);
    if (space == rest.npos) break;
    rest.remove_prefix(space + 1);
  }
  return Join(InOrder(granted));
}

absl::Status CheckScopes(std::string_view requested) {
  return GrantScopes(requested, kEveryRole).status();
}

absl::StatusOr<std::vector<std::string>> GrantKeyScopes(const std::vector<std::string>& requested,
                                                        const Roles& roles) {
  std::set<std::string, std::less<>> granted;
  for (const std::string& name : requested) {
    if (!HasScope(roles, name) || !IsForKeys(name)) {
      return Error(Reason::kInvalidScope, "not a scope that this user's keys can have",
                   {.param = "scopes"});
    }
    granted.insert(name);
  }
  if (granted.empty()) {
    return Error(Reason::kInvalidScope, "a key has at least one scope", {.param = "scopes"});
  }
  return InOrder(granted);
}

std::vector<std::string> PresentKeyScopes(const std::vector<std::string>& scopes,
                                          const Roles& roles) {
  std::vector<std::string> present;
  for (const std::string& name : scopes) {
    if (HasScope(roles, name) && IsForKeys(name)) present.push_back(name);
  }
  return present;
}

}  // namespace florin::auth
