// Whom a call acts for.
#pragma once

#include "libs/ids/ids.h"
#include "libs/rpc/context.h"

namespace florin::rpc {

// The user of a method with access USER. Error: kUserTokenRequired, for a client's own token (RFC
// 6749 section 4.4), which acts for no user.
absl::StatusOr<Uuid> UserOf(const Call& call);

}  // namespace florin::rpc
