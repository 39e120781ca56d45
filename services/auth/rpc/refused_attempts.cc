#include "services/auth/rpc/refused_attempts.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "services/auth/flow/audit_events.h"

namespace florin::auth {
namespace {

bool IsAttempt(const absl::Status& refused) {
  return absl::IsPermissionDenied(refused) || absl::IsFailedPrecondition(refused);
}

}  // namespace

Task<absl::Status> RefusedAttempts::Note(const rpc::Call& call, Attempt attempt,
                                         absl::Status refused) {
  const std::optional<Reason> reason = ReasonOf(refused);
  if (!IsAttempt(refused) || !reason) co_return refused;
  audit::Event event = NewEvent(clock_, ids_, std::move(attempt.action), audit::OriginOfCall(call));
  event.actor = std::move(attempt.actor);
  event.subject = std::move(attempt.subject);
  event = audit::Refuse(std::move(event), *reason);
  FLORIN_CO_RETURN_IF_ERROR(co_await recorder_.Record(std::move(event)));
  co_return refused;
}

}  // namespace florin::auth
