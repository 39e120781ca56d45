// A verifier for sandboxes: what it says depends on nothing but the name that it is given.
#pragma once

#include <mutex>
#include <vector>

#include "services/accounts/flow/identity_verifier.h"

namespace florin::accounts {

// By a person's family name, or a business's legal name:
//
//   Reject CODE    rejects, with the reason CODE (a-z and _), e.g. "Reject document_expired"
//   Silent         never answers
//   Twice          approves, and says so twice
//   anything else  approves
//
// Results are there for the next Collect(). Thread-safe.
class SandboxVerifier : public IdentityVerifier {
 public:
  Task<absl::Status> Begin(Subject subject) override;
  Task<absl::StatusOr<std::vector<Result>>> Collect() override;

 private:
  std::mutex mutex_;
  std::vector<Result> results_;  // Guarded by mutex_. Ids and codes, nothing about anybody.
};

}  // namespace florin::accounts
