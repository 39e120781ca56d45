#include "services/auth/domain/scope.h"

#include <algorithm>
#include <set>

namespace florin::auth {
namespace {

const Roles kEveryRole = {Role::kMerchant, Role::kOperator, Role::kAdmin};

bool IsForKeys(std::string_view name) {
  const std::span<const Scope> scopes = UserScopes();
  return std::any_of(scopes.begin(), scopes.end(), [name](const Scope& scope) {
    return scope.name == name && scope.for_api_keys;
  });
}

// `names` in the order of the table.
std::vector<std::string> InOrder(const std::set<std::string, std::less<>>& names) {
  std::vector<std::string> ordered;
  for (const Scope& scope : UserScopes()) {
    if (names.contains(scope.name)) ordered.emplace_back(scope.name);
  }
  return ordered;
}

}  // namespace

absl::StatusOr<std::string> GrantScopes(std::string_view requested, const Roles& roles) {
  if (requested.empty()) return JoinScopes(ScopesOf({}));
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
  return JoinScopes(InOrder(granted));
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

std::vector<std::string> PresentScopes(const std::vector<std::string>& scopes, const Roles& roles) {
  std::vector<std::string> present;
  for (const std::string& name : scopes) {
    if (name == kOpenIdScope || HasScope(roles, name)) present.push_back(name);
  }
  return present;
}

std::vector<std::string> AllScopes() {
  std::vector<std::string> scopes = {std::string(kOpenIdScope)};
  for (const Scope& scope : UserScopes()) scopes.emplace_back(scope.name);
  return scopes;
}

bool IsScope(std::string_view scope) {
  return scope == kOpenIdScope || HasScope(kEveryRole, scope);
}

absl::StatusOr<std::vector<std::string>> SplitScopes(std::string_view scopes) {
  std::set<std::string_view> asked;
  while (true) {
    const std::size_t space = scopes.find(' ');
    const std::string_view scope = scopes.substr(0, space);
    if (!IsScope(scope) || !asked.insert(scope).second) {
      return Error(Reason::kInvalidScope, "scopes are known, one or more, each once",
                   {.param = "scope"});
    }
    if (space == scopes.npos) break;
    scopes.remove_prefix(space + 1);
  }
  std::vector<std::string> ordered = AllScopes();
  std::erase_if(ordered, [&asked](const std::string& one) { return !asked.contains(one); });
  return ordered;
}

std::string JoinScopes(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& scope : scopes) {
    if (!text.empty()) text += ' ';
    text += scope;
  }
  return text;
}

}  // namespace florin::auth
