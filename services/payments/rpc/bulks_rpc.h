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
  BulksRpc(BulkOrders& orders, ConfirmOrder& confirm, BulkStore& store, Clock& clock,
           std::string approval_page)
      : orders_(orders),
        confirm_(confirm),
        store_(store),
        clock_(clock),
        approval_page_(std::move(approval_page)) {}

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
  Task<absl::StatusOr<v1::Bulk>> ConfirmBulk(rpc::Call& call,
                                             const v1::ConfirmBulkRequest& request) override;
  Task<absl::StatusOr<v1::Bulk>> CancelBulk(rpc::Call& call,
                                            const v1::CancelBulkRequest& request) override;

 private:
  Task<absl::StatusOr<v1::Bulk>> Answer(Uuid user_id, Uuid bulk_id);

  BulkOrders& orders_;
  ConfirmOrder& confirm_;
  BulkStore& store_;
  Clock& clock_;
  const std::string approval_page_;
};

}  // namespace florin::payments
