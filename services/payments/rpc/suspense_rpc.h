// The gRPC face of suspense: checks shape, calls, maps. See proto/florin/payments/v1/suspense.proto
// for what each method promises.
#pragma once

#include "florin/payments/v1/suspense.rpc.h"
#include "services/payments/flow/suspense.h"

namespace florin::payments {

// Thread-safe.
class SuspenseRpc : public v1::SuspenseService {
 public:
  // References outlive this.
  SuspenseRpc(SuspenseStore& store, Suspense& suspense) : store_(store), suspense_(suspense) {}

  Task<absl::StatusOr<v1::ListSuspenseItemsResponse>> ListSuspenseItems(
      rpc::Call& call, const v1::ListSuspenseItemsRequest& request) override;
  Task<absl::StatusOr<v1::SuspenseItem>> GetSuspenseItem(
      rpc::Call& call, const v1::GetSuspenseItemRequest& request) override;
  Task<absl::StatusOr<v1::SuspenseItem>> AssignSuspenseItem(
      rpc::Call& call, const v1::AssignSuspenseItemRequest& request) override;
  Task<absl::StatusOr<v1::SuspenseItem>> ReturnSuspenseItem(
      rpc::Call& call, const v1::ReturnSuspenseItemRequest& request) override;

 private:
  Task<absl::StatusOr<v1::SuspenseItem>> Resolve(rpc::Call& call, Suspense::Asked asked,
                                                 std::string item_id, std::string proposal_id);

  SuspenseStore& store_;
  Suspense& suspense_;
};

}  // namespace florin::payments
