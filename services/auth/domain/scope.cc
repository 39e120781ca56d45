#include "services/auth/domain/scope.h"

#include <algorithm>
#include <iterator>

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

}  // namespace florin::auth
