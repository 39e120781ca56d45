#include "libs/rpc/step_up.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "florin/options/v1/policy.pb.h"
#include "libs/status/check.h"

namespace florin::rpc {
namespace {

using options::v1::MethodPolicy;

constexpr std::string_view kClasses[] = {kAcrPassword, kAcrTwoFactors, kAcrPhishingResistant};

// Its place in kClasses; -1 for any other text, which no class is below.
int StrengthOf(std::string_view acr) {
  const auto* at = std::find(std::begin(kClasses), std::end(kClasses), acr);
  return at == std::end(kClasses) ? -1 : static_cast<int>(at - std::begin(kClasses));
}

absl::Status Refusal(const StepUp& demanded) {
  ErrorDetail detail;
  if (!demanded.acr.empty()) {
    std::string& values = detail.metadata["acr_values"];
    for (auto at = static_cast<std::size_t>(StrengthOf(demanded.acr)); at < std::size(kClasses);
         ++at) {
      if (!values.empty()) values += ' ';
      values += kClasses[at];
    }
  }
  if (demanded.max_age != absl::InfiniteDuration()) {
    detail.metadata["max_age"] = std::to_string(absl::ToInt64Seconds(demanded.max_age));
  }
  return Error(Reason::kStepUpRequired, "a stronger or more recent authentication is required",
               std::move(detail));
}

}  // namespace

StepUp StepUpOf(const MethodPolicy& policy) {
  StepUp demanded{.acr = policy.acr()};
  const int minutes = policy.strong_auth_max_age_minutes();
  FLORIN_CHECK(minutes >= 0, "an age is not negative");
  if (minutes > 0) {
    demanded.max_age = absl::Minutes(minutes);
    if (demanded.acr.empty()) demanded.acr = kAcrTwoFactors;
  }
  FLORIN_CHECK(demanded.acr.empty() || StrengthOf(demanded.acr) >= 0, "the class is known");
  FLORIN_CHECK(demanded == StepUp() || policy.access() == MethodPolicy::USER,
               "only users authenticate");
  return demanded;
}

absl::Status CheckStepUp(const StepUp& demanded, const Principal& principal, absl::Time now) {
  const bool strong = demanded.acr.empty() || StrengthOf(principal.acr) >= StrengthOf(demanded.acr);
  const bool fresh = now - principal.auth_time <= demanded.max_age;
  if (strong && fresh) return absl::OkStatus();
  return Refusal(demanded);
}

}  // namespace florin::rpc
