// The sandbox's clock in memory, for tests of what uses a ClockStore.
#pragma once

#include <algorithm>
#include <mutex>

#include "services/payments/store/clock_store.h"

namespace florin::payments {

// Thread-safe.
class FakeClockStore : public ClockStore {
 public:
  Task<absl::StatusOr<absl::Duration>> GoAhead(absl::Duration ahead) override {
    std::lock_guard lock(mutex_);
    kept_ = std::max(kept_, ahead);
    co_return kept_;
  }

 private:
  std::mutex mutex_;
  absl::Duration kept_;  // Guarded by mutex_.
};

}  // namespace florin::payments
