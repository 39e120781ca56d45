#include "services/ledger/rpc/sandbox_service.h"

namespace florin::ledger {
namespace {

constexpr std::int64_t kMostSeconds = 3660LL * 24 * 3600;

}  // namespace

Task<absl::StatusOr<v1::SetClockAheadResponse>> SandboxRpc::SetClockAhead(
    rpc::Call&, const v1::SetClockAheadRequest& request) {
  if (!enabled_) co_return Error(Reason::kSandboxDisabled, "this ledger is no sandbox");
  const std::int64_t seconds = request.ahead().seconds();
  if (seconds < 0 || seconds > kMostSeconds || request.ahead().nanos() < 0) {
    co_return Error(Reason::kInvalidField, "0 to 3660 days", {.param = "ahead"});
  }
  const absl::Duration before = clock_.ahead();
  clock_.GoAhead(absl::Seconds(seconds) + absl::Nanoseconds(request.ahead().nanos()));
  const absl::Duration ahead = clock_.ahead();
  if (ahead > before) wake_();
  v1::SetClockAheadResponse response;
  const std::int64_t micros = absl::ToInt64Microseconds(ahead);
  response.mutable_ahead()->set_seconds(micros / 1'000'000);
  response.mutable_ahead()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
  co_return response;
}

}  // namespace florin::ledger
