// Strict reading of one small JSON object: a JWS header or a set of claims.
//
// Boost.JSON keeps the last of two members with one name, another reader may keep the first: two
// readers of one signed text would disagree on what it says. So duplicates are refused here, at
// every depth.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "libs/status/status.h"

namespace florin::crypto {

// The value of a member. Objects, arrays, booleans, null and numbers other than 64-bit integers are
// kept as `Other`: present, well-formed, of no use to us.
struct Other {};
using JsonMember = std::variant<Other, std::string, std::int64_t>;

// The members of the outermost object. Error: kMalformedJson for anything but exactly one object of
// UTF-8 RFC 8259 JSON, at most 8 levels deep, without duplicate member names.
absl::StatusOr<std::map<std::string, JsonMember>> ParseJsonMembers(std::string_view text);

}  // namespace florin::crypto
