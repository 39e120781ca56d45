// What a payment's timeline tells besides the payment, its steps and what the ledger says.
#pragma once

#include "libs/async/task.h"
#include "services/payments/domain/timeline.h"

namespace florin::payments {

// Thread-safe.
class TimelineStore {
 public:
  virtual ~TimelineStore() = default;

  // Of a payment; nothing of one that does not exist. Errors: kUnavailable, kInternal.
  virtual Task<absl::StatusOr<PaymentOrigin>> OriginOf(Uuid payment_id) = 0;
};

}  // namespace florin::payments
