// Strict reading of one small JSON object: a JWS header, a set of claims, a key.
//
// Boost.JSON keeps the last of two members with one name, another reader may keep the first: two
// readers of one signed text would disagree on what it says. So duplicates are refused here, at
// every depth.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/status/status.h"

namespace florin::crypto {

// Null, numbers other than 64-bit integers, and arrays that are neither all strings nor all
// objects: present, well-formed, of no use to us.
struct Other {};
struct JsonObject;
// The value of a member. An empty array is one of strings.
using JsonMember =
    std::variant<Other, std::string, std::int64_t, bool, std::vector<std::string>,
                 std::shared_ptr<const JsonObject>, std::vector<std::shared_ptr<const JsonObject>>>;
using JsonMembers = std::map<std::string, JsonMember>;
struct JsonObject {
  JsonMembers members;
};

// The members of the outermost object. Error: kMalformedJson for anything but exactly one object of
// UTF-8 RFC 8259 JSON, at most 8 levels deep, without duplicate member names; with at most 64
// members or elements each, names of at most 64 octets and strings of at most 4096.
absl::StatusOr<JsonMembers> ParseJsonMembers(std::string_view text);

// The member `name` if it is a T; else nullptr.
template <class T>
const T* FindMember(const JsonMembers& members, const std::string& name) {
  const auto member = members.find(name);
  return member == members.end() ? nullptr : std::get_if<T>(&member->second);
}

}  // namespace florin::crypto
