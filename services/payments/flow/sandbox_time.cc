#include "services/payments/flow/sandbox_time.h"

namespace florin::payments {

Task<absl::Status> SandboxTime::AdvanceTo(absl::Time target) {
  const absl::Duration ahead = target - clock_.BaseNow();
  if (ahead > kMostAhead) {
    co_return Error(Reason::kInvalidField, "more than 3660 days ahead", {.param = "target_time"});
  }
  co_return co_await GoAhead(ahead);
}

Task<absl::Status> SandboxTime::Follow() { co_return co_await GoAhead(absl::ZeroDuration()); }

Task<absl::Status> SandboxTime::GoAhead(absl::Duration ahead) {
  const absl::StatusOr<absl::Duration> kept = co_await store_.GoAhead(ahead);
  if (!kept.ok()) co_return kept.status();
  const bool forward = *kept > clock_.ahead();
  clock_.GoAhead(*kept);
  if (*kept == absl::ZeroDuration()) co_return absl::OkStatus();
  // The ledger before whoever acts on the time: what expires there must have expired.
  const std::int64_t micros = absl::ToInt64Microseconds(*kept);
  ledger::v1::SetClockAheadRequest request;
  request.mutable_ahead()->set_seconds(micros / 1'000'000);
  request.mutable_ahead()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
  rpc::Outgoing context;
  context.route = book_;
  const auto told = co_await ledger_.SetClockAhead(std::move(context), request);
  if (forward) wake_();
  co_return told.status();
}

}  // namespace florin::payments
