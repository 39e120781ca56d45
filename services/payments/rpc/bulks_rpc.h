// The gRPC face of bulks: checks shape, calls, maps. See proto/florin/payments/v1/bulks.proto for
// what each method promises.
#pragma once

#include "florin/payments/v1/bulks.rpc.h"
#include "services/payments/flow/bulk_orders.h"

namespace florin::payments {

// Thread-safe.
class BulksRpc : public v1::BulksService {
 public:
  // References outlive this.
  BulksRpc(BulkOrders& orders, BulkStore& store, Clock& clock)
      : orders_(orders), store_(store), clock_(clock) {}

  Task<absl::StatusOr<v1::Bulk>> CreateBulk(rpc::Call& call,
                                            const v1::CreateBulkRequest& request) override;
  Task<absl::StatusOr<v1::Bulk>> GetBulk(rpc::Call& call,
                                         const v1::GetBulkRequest& request) override;
  Task<absl::StatusOr<v1::Bulk>> AddBulkItems(rpc::Call& call,
                                              const v1::AddBulkItemsRequest& request) override;
  Task<absl::StatusOr<v1::ListBulkItemsResponse>> ListBulkItems(
      rpc::Call& call, const v1::ListBulkItemsRequest& request) override;
  Task<absl::StatusOr<v1::Bulk>> SubmitBulk(rpc::Call& call,
                                            const v1::SubmitBulkRequest& request) override;
  Task<absl::StatusOr<v1::Bulk>> CancelBulk(rpc::Call& call,
                                            const v1::CancelBulkRequest& request) override;

 private:
  Task<absl::StatusOr<v1::Bulk>> Change(rpc::Call& call, std::string bulk_id, BulkEvent event);
  Task<absl::StatusOr<v1::Bulk>> Answer(Uuid user_id, Uuid bulk_id);

  BulkOrders& orders_;
  BulkStore& store_;
  Clock& clock_;
};

}  // namespace florin::payments
