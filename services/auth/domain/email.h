// E-mail addresses of users.
#pragma once

#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::auth {

// The one form in which an address is kept and compared: lower case.
//
// Accepts `Dot-string@Domain` of RFC 5321 section 4.1.2: a local part of at most 64 characters, a
// domain of at least two labels of at most 63, 254 characters in all (RFC 3696 erratum 1690), ASCII
// only. Quoted local parts and address literals are refused: no provider gives them out, and they
// hide white space and control characters from people. Error: kInvalidEmail with param `email`.
// Pure.
absl::StatusOr<std::string> NormalizeEmail(std::string_view text);

}  // namespace florin::auth
