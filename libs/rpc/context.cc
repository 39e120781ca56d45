#include "libs/rpc/context.h"

#include <algorithm>

#include "libs/status/check.h"

namespace florin::rpc {
namespace {

// What a hop keeps for itself, so that a callee reports its own time-out before its caller gives
// up.
constexpr absl::Duration kHopBudget = absl::Milliseconds(50);

}  // namespace

bool Principal::HasScope(std::string_view scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

Call::Call(std::string caller, Outgoing incoming, Principal principal, bool has_principal)
    : caller_(std::move(caller)),
      incoming_(std::move(incoming)),
      principal_(std::move(principal)),
      has_principal_(has_principal) {
  if (incoming_.cancellation == nullptr) return;
  bell_ = std::make_shared<async::Bell>();
  rings_when_canceled_.emplace(Cancellation::Listen(
      incoming_.cancellation, [bell = bell_](const absl::Status&) { bell->Ring(); }));
}

const Principal& Call::principal() const {
  FLORIN_CHECK(has_principal_, "only methods with access USER ask for the user");
  return principal_;
}

absl::Status Call::cancel_status() const {
  return incoming_.cancellation == nullptr ? absl::OkStatus() : incoming_.cancellation->status();
}

Task<absl::Status> Call::Wait(absl::Duration longest) {
  FLORIN_CHECK(bell_ != nullptr, "only handlers of streams wait");
  if (!canceled()) co_await bell_->Wait(longest);
  co_return cancel_status();
}

Outgoing Call::OnBehalfOfUser() const {
  Outgoing outgoing = AsService();
  outgoing.user_token = incoming_.user_token;
  return outgoing;
}

Outgoing Call::AsService() const {
  Outgoing outgoing;
  outgoing.deadline = incoming_.deadline - kHopBudget;
  outgoing.request_id = incoming_.request_id;
  outgoing.traceparent = incoming_.traceparent;
  outgoing.client_address = incoming_.client_address;
  outgoing.cancellation = incoming_.cancellation;
  return outgoing;
}

}  // namespace florin::rpc
