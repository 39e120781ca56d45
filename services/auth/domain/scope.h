// What an access token or an API key allows (RFC 6749 section 3.3). The table is role.h's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"
#include "services/auth/domain/role.h"

namespace florin::auth {

// Asks for an ID token (OpenID Connect Core section 3.1.2.1). For clients, not for POST /v1/login.
inline constexpr std::string_view kOpenIdScope = "openid";

// The scopes to grant for `requested` to a user with these roles, space separated and in one order
// whatever the order asked for. Nothing requested: all that every customer has, `accounts:read
// accounts:write authenticators:read authenticators:write payments:read payments:write`, and no
// more: power over others is asked for by name. Error: kInvalidScope with param `scope` for a scope
// that the user does not have, and for other white space than single spaces between scopes. Pure.
absl::StatusOr<std::string> GrantScopes(std::string_view requested, const Roles& roles);

// Whether some user could be granted `requested`: what can be said before it is known who asks.
// Error: as GrantScopes. Pure.
absl::Status CheckScopes(std::string_view requested);

// Of the scopes that an OAuth client asked for, or was granted once, those that the user has now;
// openid is everybody's. Pure.
std::vector<std::string> PresentScopes(const std::vector<std::string>& scopes, const Roles& roles);

// The scopes of a new API key of a user with these roles: those asked for, in one order, each once.
// Error: kInvalidScope with param `scopes` for none, and for one that keys cannot have or the user
// does not have. Pure.
absl::StatusOr<std::vector<std::string>> GrantKeyScopes(const std::vector<std::string>& requested,
                                                        const Roles& roles);

// Of a key's scopes those that its owner still has, and that keys still can have. Pure.
std::vector<std::string> PresentKeyScopes(const std::vector<std::string>& scopes,
                                          const Roles& roles);

// Every scope that a client can be registered for: those of users, and openid. What a client gets
// of them is for the roles of whoever it acts for to decide. Pure.
std::vector<std::string> AllScopes();
bool IsScope(std::string_view scope);

// `a b` as a list, in the order of AllScopes(). Error: kInvalidScope for a scope that there is not,
// one that is there twice, none at all, and other white space than single spaces. Pure.
absl::StatusOr<std::vector<std::string>> SplitScopes(std::string_view scopes);
std::string JoinScopes(const std::vector<std::string>& scopes);

}  // namespace florin::auth
