// The limits that there are, remembered for a few seconds.
#pragma once

#include <memory>
#include <mutex>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/domain/limit_table.h"
#include "services/payments/domain/payment.h"
#include "services/payments/store/limit_store.h"

namespace florin::payments {

// What is known is at most so old when a payment is judged: a limit that was made or lowered binds
// every payment that is made so much later, in whatever process. Said in limits.proto.
inline constexpr absl::Duration kLimitStaleness = absl::Seconds(5);

// Thread-safe.
class LimitDirectory {
 public:
  // References outlive this.
  LimitDirectory(LimitStore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Notes on `payment`, whose intent is about to be kept, what it uses of limits, or which refuses
  // it (limit_uses, limit_refusal). Looks into memory only, unless what is there is too old; then
  // the errors are those of LimitStore::ListLimits().
  Task<absl::Status> Judge(Payment& payment, KycLevel payer_level, PayeeCountries countries);

  // Errors: as Judge().
  Task<absl::StatusOr<std::shared_ptr<const LimitTable>>> Current();

  // Those of `ids` that Current() does not have any more, since they were removed long ago: a
  // payment that uses them has not ended yet. Asks the store for them each time. Errors: those of
  // Current() and LimitStore::FindLimits().
  Task<absl::StatusOr<LimitTable>> Forgotten(std::vector<Uuid> ids);

  // Reads the limits, for a worker and for whoever has changed them. Errors: those of
  // LimitStore::ListLimits().
  Task<absl::Status> Refresh();

 private:
  // Null if what is known is too old, or nothing is.
  std::shared_ptr<const LimitTable> Fresh();

  LimitStore& store_;
  Clock& clock_;
  std::mutex mutex_;
  std::shared_ptr<const LimitTable> table_;      // Guarded by mutex_.
  absl::Time read_time_ = absl::InfinitePast();  // Guarded by mutex_.
  std::uint64_t begun_ = 0;                      // Guarded by mutex_. Reads, numbered.
  std::uint64_t shown_ = 0;                      // Guarded by mutex_. The one that table_ is of.
};

}  // namespace florin::payments
