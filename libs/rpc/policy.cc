#include "libs/rpc/policy.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "florin/options/v1/policy.pb.h"
#include "libs/status/check.h"

namespace florin::rpc {

using options::v1::MethodPolicy;

bool Policy::Allows(std::string_view caller) const {
  return std::find(callers.begin(), callers.end(), caller) != callers.end();
}

Policy PolicyOf(const google::protobuf::MethodDescriptor& method) {
  FLORIN_CHECK(method.options().HasExtension(options::v1::policy),
               "every method states its policy");
  const MethodPolicy& wire = method.options().GetExtension(options::v1::policy);
  FLORIN_CHECK(wire.access() != MethodPolicy::ACCESS_UNSPECIFIED, "every policy states its access");
  FLORIN_CHECK(wire.idempotency() != MethodPolicy::IDEMPOTENCY_UNSPECIFIED,
               "every policy states its idempotency");
  FLORIN_CHECK(wire.access() == MethodPolicy::USER || wire.scopes().empty(), "scopes need a user");
  Policy policy;
  policy.needs_user = wire.access() == MethodPolicy::USER;
  policy.needs_idempotency_key = wire.idempotency() == MethodPolicy::KEY;
  policy.scopes.assign(wire.scopes().begin(), wire.scopes().end());
  policy.callers.assign(wire.callers().begin(), wire.callers().end());
  policy.step_up = StepUpOf(wire);
  return policy;
}

absl::Status CheckIdempotencyKey(std::string_view key) {
  if (key.empty())
    return Error(Reason::kIdempotencyKeyMissing, "an idempotency key is required",
                 {.param = "Idempotency-Key"});
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
  if (key.size() > 255 || !visible) {
    return Error(Reason::kIdempotencyKeyInvalid, "the idempotency key is malformed",
                 {.param = "Idempotency-Key"});
  }
  return absl::OkStatus();
}

}  // namespace florin::rpc
