#include "services/accounts/flow/sandbox_verifier.h"

#include <string>
#include <utility>

namespace florin::accounts {

Task<absl::Status> SandboxVerifier::Begin(Subject subject) {
  constexpr std::string_view kReject = "Reject ";
  const Profile& profile = subject.profile;
  const std::string& name =
      profile.kind == CustomerKind::kBusiness ? profile.legal_name : profile.family_name;
  if (name == "Silent") co_return absl::OkStatus();
  Result result{.verification_id = subject.verification_id, .result = {.approved = true}};
  if (name.starts_with(kReject)) {
    result.result = {.approved = false, .reason = name.substr(kReject.size())};
  }
  const std::lock_guard lock(mutex_);
  if (name == "Twice") results_.push_back(result);
  results_.push_back(std::move(result));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<IdentityVerifier::Result>>> SandboxVerifier::Collect() {
  const std::lock_guard lock(mutex_);
  std::vector<Result> results = std::exchange(results_, {});
  co_return results;
}

}  // namespace florin::accounts
