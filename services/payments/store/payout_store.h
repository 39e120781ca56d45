// How far payouts have come. They are inserted with their intents (Store::InsertIntents,
// ApprovalStore::InsertJudged).
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "services/payments/domain/payout.h"

namespace florin::payments {

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class PayoutStore {
 public:
  virtual ~PayoutStore() = default;

  // Error: kPaymentNotFound, also for a payment that is no payout.
  virtual Task<absl::StatusOr<Payout>> FindPayout(Uuid payment_id) = 0;

  // Moves the payout from one stage to another (MayAdvance()), and its payment to the state that
  // goes with it (AtStage()), in one transaction. Gives it as it is kept afterwards: unchanged if
  // it was not in stage `from`. `code` as of Payout; empty: as it was. Error: kPaymentNotFound.
  virtual Task<absl::StatusOr<Payout>> Advance(Uuid payment_id, PayoutStage from, PayoutStage to,
                                               std::string code, absl::Time now) = 0;

  // Takes up to `limit` payouts that are under way, wait for nobody's approval, and that nobody has
  // taken up since `now` - kLease, the longest waiting first, and holds them back from other claims
  // until `now` + kLease. A new payout is held by the request that makes it.
  virtual Task<absl::StatusOr<std::vector<Payout>>> ClaimPayouts(absl::Time now, int limit) = 0;

  // Holds the payout back from claims until `until`, and counts that the rail was asked in vain.
  virtual Task<absl::Status> Postpone(Uuid payment_id, absl::Time until) = 0;
};

}  // namespace florin::payments
