// The gRPC face of timelines. See proto/florin/payments/v1/timeline.proto for what it promises.
#pragma once

#include "florin/payments/v1/timeline.rpc.h"
#include "services/payments/domain/timeline.h"
#include "services/payments/flow/limit_history.h"
#include "services/payments/flow/payment_parties.h"
#include "services/payments/flow/reconcile.h"
#include "services/payments/store/timeline_store.h"

namespace florin::payments {

// Thread-safe.
class TimelinesRpc : public v1::TimelinesService {
 public:
  // References outlive this.
  TimelinesRpc(PaymentParties& parties, ReconcileStore& store, ChargeStore& charges,
               TimelineStore& origins, LimitHistory& limits, Reconcile& reconcile)
      : parties_(parties),
        store_(store),
        charges_(charges),
        origins_(origins),
        limits_(limits),
        reconcile_(reconcile) {}

  Task<absl::StatusOr<v1::GetPaymentTimelineResponse>> GetPaymentTimeline(
      rpc::Call& call, const v1::GetPaymentTimelineRequest& request) override;

 private:
  // All that is known of it.
  Task<absl::StatusOr<PaymentHistory>> Gather(Payment payment);

  PaymentParties& parties_;
  ReconcileStore& store_;
  ChargeStore& charges_;
  TimelineStore& origins_;
  LimitHistory& limits_;
  Reconcile& reconcile_;
};

}  // namespace florin::payments
