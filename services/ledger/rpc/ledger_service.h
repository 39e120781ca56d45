// florin.ledger.v1.Ledger: checks shape, calls, maps the result. The proto is its manual.
#pragma once

#include "florin/ledger/v1/ledger.rpc.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

// Thread-safe. What it is made of is not owned and outlives the service.
class LedgerRpc : public v1::LedgerService {
 public:
  LedgerRpc(Store& store, PostingBatcher& batcher, Clock& clock)
      : store_(store), batcher_(batcher), clock_(clock) {}

  Task<absl::StatusOr<v1::OpenAccountsResponse>> OpenAccounts(
      rpc::Call& call, const v1::OpenAccountsRequest& request) override;
  Task<absl::StatusOr<v1::PostTransactionsResponse>> PostTransactions(
      rpc::Call& call, const v1::PostTransactionsRequest& request) override;
  Task<absl::StatusOr<v1::PostTransactionsResponse>> ChangeAccounts(
      rpc::Call& call, const v1::ChangeAccountsRequest& request) override;
  Task<absl::StatusOr<v1::TransactionResult>> CloseAccount(
      rpc::Call& call, const v1::CloseAccountRequest& request) override;
  Task<absl::StatusOr<v1::TransactionResult>> ClosePeriod(
      rpc::Call& call, const v1::ClosePeriodRequest& request) override;

  // One transaction of a request: its command, unless it has no valid id.
  struct Asked {
    absl::StatusOr<Command> command;
    std::string transaction_id;
    bool linked_to_next = false;
  };

 private:
  // Decides what could be read, with the results of the others between them.
  Task<absl::StatusOr<v1::PostTransactionsResponse>> Decide(rpc::Call& call, std::string book,
                                                            std::vector<Asked> asked, bool dry_run);

  Store& store_;
  PostingBatcher& batcher_;
  Clock& clock_;
};

}  // namespace florin::ledger
