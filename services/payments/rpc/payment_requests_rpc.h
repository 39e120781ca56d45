// The gRPC face of requests for money: checks shape, calls, maps. See
// proto/florin/payments/v1/payment_requests.proto for what each method promises.
#pragma once

#include "florin/payments/v1/payment_requests.rpc.h"
#include "services/payments/flow/pay_request.h"

namespace florin::payments {

// Thread-safe.
class PaymentRequestsRpc : public v1::PaymentRequestsService {
 public:
  // References outlive this.
  PaymentRequestsRpc(PayRequest& requests, MoneyRequestStore& store, AccountDirectory& accounts,
                     Clock& clock)
      : requests_(requests), store_(store), accounts_(accounts), clock_(clock) {}

  Task<absl::StatusOr<v1::PaymentRequest>> CreatePaymentRequest(
      rpc::Call& call, const v1::CreatePaymentRequestRequest& request) override;
  Task<absl::StatusOr<v1::PaymentRequest>> GetPaymentRequest(
      rpc::Call& call, const v1::GetPaymentRequestRequest& request) override;
  Task<absl::StatusOr<v1::ListPaymentRequestsResponse>> ListPaymentRequests(
      rpc::Call& call, const v1::ListPaymentRequestsRequest& request) override;
  Task<absl::StatusOr<v1::PaymentRequest>> PayPaymentRequest(
      rpc::Call& call, const v1::PayPaymentRequestRequest& request) override;
  Task<absl::StatusOr<v1::PaymentRequest>> DeclinePaymentRequest(
      rpc::Call& call, const v1::DeclinePaymentRequestRequest& request) override;
  Task<absl::StatusOr<v1::PaymentRequest>> WithdrawPaymentRequest(
      rpc::Call& call, const v1::WithdrawPaymentRequestRequest& request) override;

 private:
  // As `viewer` may see it.
  Task<absl::StatusOr<v1::PaymentRequest>> Show(rpc::Outgoing context, Uuid viewer,
                                                MoneyRequest request);
  Task<absl::StatusOr<v1::PaymentRequest>> Close(rpc::Call& call, std::string request_id,
                                                 MoneyRequestEvent event);

  PayRequest& requests_;
  MoneyRequestStore& store_;
  AccountDirectory& accounts_;
  Clock& clock_;
};

}  // namespace florin::payments
