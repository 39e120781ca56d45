// What an access token allows (RFC 6749 section 3.3).
#pragma once

#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::auth {

// The scopes to grant for `requested`, space separated and in one order whatever the order asked
// for. Nothing requested: all that a user may have, `accounts:read accounts:write
// authenticators:read authenticators:write payments:read payments:write`. Error: kInvalidScope with
// param `scope` for a scope that users do not have, and for other white space than single spaces
// between scopes. Pure.
absl::StatusOr<std::string> GrantScopes(std::string_view requested);

}  // namespace florin::auth
