// The gRPC face of captures and refunds: checks shape, calls, maps. See
// proto/florin/payments/v1/charges.proto for what each method promises.
#pragma once

#include "florin/payments/v1/charges.rpc.h"
#include "libs/ids/ids.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/payment_parties.h"

namespace florin::payments {

// Thread-safe.
class ChargesRpc : public v1::ChargesService {
 public:
  // `may_owe`: whether what a payee's balance does not cover of a refund becomes their debt; else
  // the refund is refused. References outlive this.
  ChargesRpc(ChargeSteps& steps, PaymentParties& parties, ChargeStore& store, IdSource& ids,
             bool may_owe)
      : steps_(steps), parties_(parties), store_(store), ids_(ids), may_owe_(may_owe) {}

  Task<absl::StatusOr<v1::Capture>> CapturePayment(
      rpc::Call& call, const v1::CapturePaymentRequest& request) override;
  Task<absl::StatusOr<v1::Refund>> CreateRefund(rpc::Call& call,
                                                const v1::CreateRefundRequest& request) override;
  Task<absl::StatusOr<v1::Refund>> GetRefund(rpc::Call& call,
                                             const v1::GetRefundRequest& request) override;
  Task<absl::StatusOr<v1::ListRefundsResponse>> ListRefunds(
      rpc::Call& call, const v1::ListRefundsRequest& request) override;

 private:
  ChargeSteps& steps_;
  PaymentParties& parties_;
  ChargeStore& store_;
  IdSource& ids_;
  const bool may_owe_;
};

}  // namespace florin::payments
