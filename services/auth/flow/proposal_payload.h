// What a proposal says in one form only, so that its digest is that of one action.
#pragma once

#include <string>
#include <string_view>

#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/role.h"

namespace florin::auth {

inline constexpr std::size_t kLargestPayload = 8192;
inline constexpr std::size_t kDeepestPayload = 8;

// Whether `payload` is one JSON object in canonical form (RFC 8785, of numbers only whole ones of
// 64 bits, names [a-z0-9_]{1,64}), at most 8 KiB and 8 levels. So nothing can be hidden in a
// payload: no second member of a name, no other spelling. Error: kInvalidProposalPayload with param
// `payload`. Pure.
absl::Status CheckPayload(std::string_view payload);

// SHA-256 in 64 lower-case hexadecimal digits. Pure.
std::string PayloadDigest(std::string_view payload);

// The payload of `roles.assign` and `roles.remove`, which is what they do:
// {"role":"operator","user_id":"usr_…"}. Pure.
std::string RolePayload(const Uuid& user_id, Role role);

}  // namespace florin::auth
