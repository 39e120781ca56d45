// What a password must be.
#pragma once

#include <string_view>

#include "libs/status/status.h"

namespace florin::auth {

// 12 to 256 code points of UTF-8 without control characters; nothing else is asked (NIST SP 800-63B
// section 5.1.1.2: length, no composition rules). Error: kWeakPassword with param `password`, also
// for text that is not UTF-8. Pure.
absl::Status CheckPassword(std::string_view password);

}  // namespace florin::auth
