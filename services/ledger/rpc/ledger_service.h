// florin.ledger.v1.Ledger: checks shape, calls, maps the result. The proto is its manual.
#pragma once

#include "florin/ledger/v1/ledger.rpc.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

// Thread-safe. `store` and `batcher` are not owned and outlive the service.
class LedgerRpc : public v1::LedgerService {
 public:
  LedgerRpc(Store& store, PostingBatcher& batcher) : store_(store), batcher_(batcher) {}

  Task<absl::StatusOr<v1::OpenAccountsResponse>> OpenAccounts(
      rpc::Call& call, const v1::OpenAccountsRequest& request) override;
  Task<absl::StatusOr<v1::PostTransactionsResponse>> PostTransactions(
      rpc::Call& call, const v1::PostTransactionsRequest& request) override;
  Task<absl::StatusOr<v1::GetAccountsResponse>> GetAccounts(
      rpc::Call& call, const v1::GetAccountsRequest& request) override;
  Task<absl::StatusOr<v1::ListEntriesResponse>> ListEntries(
      rpc::Call& call, const v1::ListEntriesRequest& request) override;
  Task<absl::StatusOr<v1::TransactionResult>> GetTransaction(
      rpc::Call& call, const v1::GetTransactionRequest& request) override;

 private:
  Store& store_;
  PostingBatcher& batcher_;
};

}  // namespace florin::ledger
