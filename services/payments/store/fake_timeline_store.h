// What timelines tell, in memory, for tests of what uses a TimelineStore.
#pragma once

#include <utility>

#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/timeline_store.h"

namespace florin::payments {

// Thread-safe.
class FakeTimelineStore : public TimelineStore {
 public:
  // Both outlive this.
  FakeTimelineStore(FakeStore& payments, FakeDepositStore& deposits)
      : payments_(payments), deposits_(deposits) {}

  Task<absl::StatusOr<PaymentOrigin>> OriginOf(Uuid payment_id) override {
    PaymentOrigin origin{.request_id = payments_.RequestOf(payment_id),
                         .trace_id = payments_.TraceOf(payment_id)};
    const absl::StatusOr<Payout> payout = co_await payments_.FindPayout(payment_id);
    if (payout.ok()) {
      origin.payout =
          PayoutOnRail{.rail = payout->rail, .stage = payout->stage, .code = payout->code};
    }
    for (RailDeposit deposit : deposits_.All()) {
      if (deposit.payment_id != payment_id) continue;
      origin.deposit = RailDeposit{.rail = deposit.rail,
                                   .deposit_id = deposit.deposit_id,
                                   .amount = deposit.amount,
                                   .account_reference = "",
                                   .reference = "",
                                   .stage = deposit.stage,
                                   .create_time = deposit.create_time};
    }
    co_return origin;
  }

 private:
  FakeStore& payments_;
  FakeDepositStore& deposits_;
};

}  // namespace florin::payments
