// The port to whoever verifies identities.
#pragma once

#include <vector>

#include "libs/async/task.h"
#include "services/accounts/domain/profile.h"
#include "services/accounts/domain/verification.h"

namespace florin::accounts {

// Implementations are thread-safe, and keep of what they are told only what they need until the
// result is there.
class IdentityVerifier {
 public:
  struct Subject {
    Uuid verification_id;
    KycLevel level = KycLevel::kBasic;
    Profile profile;
  };
  struct Result {
    Uuid verification_id;
    VerificationResult result;
  };

  virtual ~IdentityVerifier() = default;

  // Asks. Idempotent by verification_id: whoever asks again has not had an answer, perhaps since a
  // process died between two steps. OK says only that it was asked; an error, that it shall be
  // asked again.
  virtual Task<absl::Status> Begin(Subject subject) = 0;

  // The results that have come since the last call. One may come twice, after its verification has
  // expired, to another replica than the one that asked, or never.
  virtual Task<absl::StatusOr<std::vector<Result>>> Collect() = 0;
};

}  // namespace florin::accounts
