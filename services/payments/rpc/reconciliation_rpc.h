// The gRPC face of reconciliation: checks shape, calls, maps. See
// proto/florin/payments/v1/reconciliation.proto for what each method promises.
#pragma once

#include "florin/payments/v1/reconciliation.rpc.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/rail_reconcile.h"
#include "services/payments/flow/reconcile.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

// Thread-safe.
class ReconciliationRpc : public v1::ReconciliationService {
 public:
  // References outlive this.
  ReconciliationRpc(ReconcileStore& store, ChargeStore& payments, Reconcile& reconcile,
                    RailReconcile& rails, Clock& clock)
      : store_(store), payments_(payments), reconcile_(reconcile), rails_(rails), clock_(clock) {}

  Task<absl::StatusOr<v1::ListDiscrepanciesResponse>> ListDiscrepancies(
      rpc::Call& call, const v1::ListDiscrepanciesRequest& request) override;
  Task<absl::StatusOr<v1::Discrepancy>> GetDiscrepancy(
      rpc::Call& call, const v1::GetDiscrepancyRequest& request) override;
  Task<absl::StatusOr<v1::Discrepancy>> ResolveDiscrepancy(
      rpc::Call& call, const v1::ResolveDiscrepancyRequest& request) override;
  Task<absl::StatusOr<v1::RunReconciliationResponse>> RunReconciliation(
      rpc::Call& call, const v1::RunReconciliationRequest& request) override;
  Task<absl::StatusOr<v1::RetryPaymentResponse>> RetryPayment(
      rpc::Call& call, const v1::RetryPaymentRequest& request) override;

 private:
  ReconcileStore& store_;
  ChargeStore& payments_;
  Reconcile& reconcile_;
  RailReconcile& rails_;
  Clock& clock_;
};

}  // namespace florin::payments
