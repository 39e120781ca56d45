// The gRPC face of payouts, and of what money comes in by: checks shape, calls, maps. See
// proto/florin/payments/v1/payouts.proto for what each method promises.
#pragma once

#include <string>
#include <utility>

#include "florin/payments/v1/payouts.rpc.h"
#include "services/payments/flow/payouts.h"

namespace florin::payments {

// Thread-safe.
class PayoutsRpc : public v1::PayoutsService {
 public:
  // `approval_page`: the URL of the page on which payers approve. References outlive this.
  PayoutsRpc(Payouts& payouts, std::string approval_page)
      : payouts_(payouts), approval_page_(std::move(approval_page)) {}

  Task<absl::StatusOr<v1::Payout>> CreatePayout(rpc::Call& call,
                                                const v1::CreatePayoutRequest& request) override;
  Task<absl::StatusOr<v1::Payout>> GetPayout(rpc::Call& call,
                                             const v1::GetPayoutRequest& request) override;
  Task<absl::StatusOr<v1::Payout>> CancelPayout(rpc::Call& call,
                                                const v1::CancelPayoutRequest& request) override;

 private:
  v1::Payout ToProto(const Payout& payout) const;

  Payouts& payouts_;
  const std::string approval_page_;
};

// Thread-safe.
class DepositsRpc : public v1::DepositsService {
 public:
  // `accounts` outlives this.
  explicit DepositsRpc(AccountDirectory& accounts) : accounts_(accounts) {}

  Task<absl::StatusOr<v1::DepositReference>> GetDepositReference(
      rpc::Call& call, const v1::GetDepositReferenceRequest& request) override;

 private:
  AccountDirectory& accounts_;
};

}  // namespace florin::payments
