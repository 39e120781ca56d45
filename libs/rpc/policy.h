// A method's policy, compiled from its options into what the server checks on each call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/rpc/step_up.h"
#include "libs/status/status.h"

namespace google::protobuf {
class MethodDescriptor;
}

namespace florin::rpc {

struct Policy {
  bool needs_user = false;
  bool needs_idempotency_key = false;
  std::vector<std::string> scopes;
  std::vector<std::string> callers;
  StepUp step_up;

  bool Allows(std::string_view caller) const;
};

// The policy of a method. It is a broken promise if the method states none, an access or an
// idempotency that is unspecified, scopes without access USER, or a step-up that cannot be kept.
Policy PolicyOf(const google::protobuf::MethodDescriptor& method);

// Whether `key` is 1 to 255 visible ASCII characters. Errors: kIdempotencyKeyMissing,
// kIdempotencyKeyInvalid.
absl::Status CheckIdempotencyKey(std::string_view key);

}  // namespace florin::rpc
