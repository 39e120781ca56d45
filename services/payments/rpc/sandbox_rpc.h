// The gRPC face of the sandbox: checks shape, calls, maps. See
// proto/florin/payments/v1/sandbox.proto for what each method promises.
#pragma once

#include "florin/payments/v1/sandbox.rpc.h"
#include "services/payments/flow/sandbox_rail.h"
#include "services/payments/flow/sandbox_time.h"

namespace florin::payments {

// Thread-safe.
class SandboxRpc : public v1::SandboxService {
 public:
  // Both null where the deployment is no sandbox; then everything is refused. Outlive this.
  SandboxRpc(SandboxTime* time, SandboxRail* rail) : time_(time), rail_(rail) {}

  Task<absl::StatusOr<v1::SandboxClock>> GetClock(rpc::Call& call,
                                                  const v1::GetClockRequest& request) override;
  Task<absl::StatusOr<v1::SandboxClock>> AdvanceClock(
      rpc::Call& call, const v1::AdvanceClockRequest& request) override;
  Task<absl::StatusOr<v1::ReceiveDepositResponse>> ReceiveDeposit(
      rpc::Call& call, const v1::ReceiveDepositRequest& request) override;

 private:
  SandboxTime* const time_;
  SandboxRail* const rail_;
};

}  // namespace florin::payments
