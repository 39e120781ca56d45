// What an access token allows (RFC 6749 section 3.3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::auth {

// Asks for an ID token (OpenID Connect Core section 3.1.2.1). For clients, not for POST /v1/login.
inline constexpr std::string_view kOpenIdScope = "openid";

// The scopes to grant for `requested`, space separated and in one order whatever the order asked
// for. Nothing requested: all that a user may have, `accounts:read accounts:write
// authenticators:read authenticators:write payments:read payments:write`. Error: kInvalidScope with
// param `scope` for a scope that users do not have, and for other white space than single spaces
// between scopes. Pure.
absl::StatusOr<std::string> GrantScopes(std::string_view requested);

// Every scope that a client can be registered for: those of users, and openid. Pure.
std::vector<std::string> AllScopes();
bool IsScope(std::string_view scope);

// `a b` as a list, in the order of AllScopes(). Error: kInvalidScope for a scope that there is not,
// one that is there twice, none at all, and other white space than single spaces. Pure.
absl::StatusOr<std::vector<std::string>> SplitScopes(std::string_view scopes);
std::string JoinScopes(const std::vector<std::string>& scopes);

}  // namespace florin::auth
