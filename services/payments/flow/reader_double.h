// A stand-in for the ledger's reading side, for tests: it tells what it was told. (The real one is
// in tests/e2e.)
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {

// Thread-safe.
class ReaderDouble : public ledger::v1::LedgerReaderService {
 public:
  // That the payment's transaction has committed.
  void Tell(const Payment& payment);
  void SetAvailable(bool available);

  Task<absl::StatusOr<ledger::v1::GetTransactionsResponse>> GetTransactions(
      rpc::Call& call, const ledger::v1::GetTransactionsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::ListTransactionsResponse>> ListTransactions(
      rpc::Call& call, const ledger::v1::ListTransactionsRequest& request) override;

  // Payments does not use the following.
  Task<absl::StatusOr<ledger::v1::GetAccountsResponse>> GetAccounts(
      rpc::Call& call, const ledger::v1::GetAccountsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> GetBalances(
      rpc::Call& call, const ledger::v1::GetBalancesRequest& request) override;
  Task<absl::StatusOr<ledger::v1::ListEntriesResponse>> ListEntries(
      rpc::Call& call, const ledger::v1::ListEntriesRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetTransactionResponse>> GetTransaction(
      rpc::Call& call, const ledger::v1::GetTransactionRequest& request) override;
  Task<absl::StatusOr<ledger::v1::FindTransactionsResponse>> FindTransactions(
      rpc::Call& call, const ledger::v1::FindTransactionsRequest& request) override;
  Task<absl::StatusOr<ledger::v1::GetTrialBalanceResponse>> GetTrialBalance(
      rpc::Call& call, const ledger::v1::GetTrialBalanceRequest& request) override;
  Task<absl::Status> WatchBalances(rpc::Call& call, const ledger::v1::WatchBalancesRequest& request,
                                   rpc::Stream<ledger::v1::WatchBalancesResponse>& out) override;

 private:
  std::mutex mutex_;  // Guards everything below.
  bool available_ = true;
  std::vector<ledger::v1::TransactionResult> results_;  // Sequence 1 is at 0.
};

}  // namespace florin::payments
