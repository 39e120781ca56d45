// What an access token or an API key allows (RFC 6749 section 3.3). The table is role.h's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"
#include "services/auth/domain/role.h"

namespace florin::auth {

// The scopes to grant for `requested` to a user with these roles, space separated and in one order
// whatever the order asked for. Nothing requested: all that every customer has, `accounts:read
// accounts:write payments:read payments:write`, and no more: power over others is asked for by
// name. Error: kInvalidScope with param `scope` for a scope that the user does not have, and for
// other white space than single spaces between scopes. Pure.
absl::StatusOr<std::string> GrantScopes(std::string_view requested, const Roles& roles);

// Whether some user could be granted `requested`: what can be said before it is known who asks.
// Error: as GrantScopes. Pure.
absl::Status CheckScopes(std::string_view requested);

// The scopes of a new API key of a user with these roles: those asked for, in one order, each once.
// Error: kInvalidScope with param `scopes` for none, and for one that keys cannot have or the user
// does not have. Pure.
absl::StatusOr<std::vector<std::string>> GrantKeyScopes(const std::vector<std::string>& requested,
                                                        const Roles& roles);

// Of a key's scopes those that its owner still has, and that keys still can have. Pure.
std::vector<std::string> PresentKeyScopes(const std::vector<std::string>& scopes,
                                          const Roles& roles);

}  // namespace florin::auth
