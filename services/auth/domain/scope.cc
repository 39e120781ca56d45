#include "services/auth/domain/scope.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace florin::auth {
namespace {

constexpr std::string_view kUserScopes[] = {"accounts:read",       "accounts:write",
                                            "authenticators:read", "authenticators:write",
                                            "payments:read",       "payments:write"};

}  // namespace

absl::StatusOr<std::string> GrantScopes(std::string_view requested) {
  bool granted[std::size(kUserScopes)] = {};
  if (requested.empty()) std::fill(std::begin(granted), std::end(granted), true);
  for (std::string_view rest = requested; !requested.empty();) {
    const std::size_t space = rest.find(' ');
    const auto* scope =
        std::find(std::begin(kUserScopes), std::end(kUserScopes), rest.substr(0, space));
    if (scope == std::end(kUserScopes)) {
      return Error(Reason::kInvalidScope, "not a scope that users have", {.param = "scope"});
    }
    granted[scope - kUserScopes] = true;
    if (space == rest.npos) break;
    rest.remove_prefix(space + 1);
  }
  std::string scopes;
  for (std::size_t i = 0; i < std::size(kUserScopes); ++i) {
    if (!granted[i]) continue;
    if (!scopes.empty()) scopes += ' ';
    scopes += kUserScopes[i];
  }
  return scopes;
}

std::vector<std::string> AllScopes() {
  std::vector<std::string> scopes = {std::string(kOpenIdScope)};
  scopes.insert(scopes.end(), std::begin(kUserScopes), std::end(kUserScopes));
  return scopes;
}

bool IsScope(std::string_view scope) {
  return scope == kOpenIdScope ||
         std::find(std::begin(kUserScopes), std::end(kUserScopes), scope) != std::end(kUserScopes);
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
