// The time of a sandbox: one clock for payments and its ledger, which only goes forward.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "florin/ledger/v1/sandbox.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/ahead_clock.h"
#include "services/payments/store/clock_store.h"

namespace florin::payments {

// How far the clock may be ahead of the system's.
inline constexpr absl::Duration kMostAhead = absl::Hours(3660 * 24);

// How far the clock is ahead is kept first, then followed by this process, then told the ledger:
// after a crash in between, or where several processes run, Follow() brings everybody there.
// Thread-safe.
class SandboxTime {
 public:
  // `book`: whose ledger is told. `wake` is told when the clock was put forward; short, never
  // blocks. References outlive this.
  SandboxTime(ClockStore& store, ledger::v1::LedgerSandboxClient& ledger, AheadClock& clock,
              std::string book, std::function<void()> wake)
      : store_(store),
        ledger_(ledger),
        clock_(clock),
        book_(std::move(book)),
        wake_(std::move(wake)) {}

  // Puts the clock forward to `target`; nothing changes if it is there already. Idempotent. Errors:
  // kInvalidField with param `target_time` for more than kMostAhead; kUnavailable,
  // kDeadlineExceeded: repeat.
  Task<absl::Status> AdvanceTo(absl::Time target);

  // Follows what is kept, and tells the ledger, which forgets it at its end. For a worker's rounds,
  // and at the start. Errors as of AdvanceTo(): the next round begins anew.
  Task<absl::Status> Follow();

  AheadClock& clock() { return clock_; }

 private:
  Task<absl::Status> GoAhead(absl::Duration ahead);

  ClockStore& store_;
  ledger::v1::LedgerSandboxClient& ledger_;
  AheadClock& clock_;
  const std::string book_;
  const std::function<void()> wake_;
};

}  // namespace florin::payments
