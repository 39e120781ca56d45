// The time that the services of SharedStack() live in, through HTTPS.
#pragma once

#include "absl/time/time.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {

absl::Time SandboxNow(ApiUser& user);
// Asks for it to be `target`.
Answer AdvanceTo(ApiUser& user, absl::Time target);
// So much later than now, which must succeed.
void Advance(ApiUser& user, absl::Duration by);

}  // namespace florin::e2e
