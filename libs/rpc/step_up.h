// Step-up authentication: whether the user proved who they are recently and strongly enough for a
// method (RFC 9470). Pure; the server and the gateway decide by it alike.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/rpc/context.h"
#include "libs/status/status.h"

namespace florin::options::v1 {
class MethodPolicy;
}

namespace florin::rpc {

// Authentication context classes: values of `acr`, the weaker first.
inline constexpr char kAcrPassword[] = "urn:florin:acr:pwd";
inline constexpr char kAcrTwoFactors[] = "urn:florin:acr:mfa";
inline constexpr char kAcrPhishingResistant[] = "urn:florin:acr:phr";

// What a method demands. The default demands nothing.
struct StepUp {
  std::string acr;  // At least this class; empty: any, even none.
  absl::Duration max_age = absl::InfiniteDuration();

  friend bool operator==(const StepUp&, const StepUp&) = default;
};

// As the policy's `acr` and `strong_auth_max_age_minutes` have it. It is a broken promise if the
// class is unknown, the age is negative, or the method has no user.
StepUp StepUpOf(const options::v1::MethodPolicy& policy);

// `principal` at `now`. An auth_time in the future counts as now. Error: kStepUpRequired with
// metadata `acr_values` (the classes that will do, space-separated, the weakest first) and
// `max_age` (seconds), each where it is demanded.
absl::Status CheckStepUp(const StepUp& demanded, const Principal& principal, absl::Time now);

}  // namespace florin::rpc
