// florin.ledger.v1.LedgerSandbox: the clock of a sandbox. The proto is its manual.
#pragma once

#include <functional>
#include <utility>

#include "florin/ledger/v1/sandbox.rpc.h"
#include "libs/clock/ahead_clock.h"

namespace florin::ledger {

// Thread-safe.
class SandboxRpc : public v1::LedgerSandboxService {
 public:
  // `enabled`: whether this is a sandbox; if not, everything is refused. `wake` is told after the
  // clock has gone ahead; short, never blocks. `clock` outlives this.
  SandboxRpc(AheadClock& clock, bool enabled, std::function<void()> wake)
      : clock_(clock), enabled_(enabled), wake_(std::move(wake)) {}

  Task<absl::StatusOr<v1::SetClockAheadResponse>> SetClockAhead(
      rpc::Call& call, const v1::SetClockAheadRequest& request) override;

 private:
  AheadClock& clock_;
  const bool enabled_;
  const std::function<void()> wake_;
};

}  // namespace florin::ledger
