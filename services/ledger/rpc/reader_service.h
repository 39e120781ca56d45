// florin.ledger.v1.LedgerReader: checks shape, reads, maps the result. The proto is its manual.
//
// A read that demands a sequence which its copy of the book has not come to is repeated, after
// pauses that grow from 1 to 50 ms, for 5 s at most and until shortly before its deadline.
#pragma once

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/clock/clock.h"
#include "services/ledger/flow/book_watch.h"
#include "services/ledger/store/book_reader.h"

namespace florin::ledger {

// Thread-safe. What it is made of is not owned and outlives the service.
class LedgerReaderRpc : public v1::LedgerReaderService {
 public:
  // `watch` polls `reader`.
  LedgerReaderRpc(BookReader& reader, BookWatch& watch, Clock& clock)
      : reader_(reader), watch_(watch), clock_(clock) {}

  Task<absl::StatusOr<v1::GetAccountsResponse>> GetAccounts(
      rpc::Call& call, const v1::GetAccountsRequest& request) override;
  Task<absl::StatusOr<v1::GetBalancesResponse>> GetBalances(
      rpc::Call& call, const v1::GetBalancesRequest& request) override;
  Task<absl::StatusOr<v1::ListEntriesResponse>> ListEntries(
      rpc::Call& call, const v1::ListEntriesRequest& request) override;
  Task<absl::StatusOr<v1::GetTransactionResponse>> GetTransaction(
      rpc::Call& call, const v1::GetTransactionRequest& request) override;
  Task<absl::StatusOr<v1::GetTransactionsResponse>> GetTransactions(
      rpc::Call& call, const v1::GetTransactionsRequest& request) override;
  Task<absl::StatusOr<v1::ListTransactionsResponse>> ListTransactions(
      rpc::Call& call, const v1::ListTransactionsRequest& request) override;
  Task<absl::StatusOr<v1::FindTransactionsResponse>> FindTransactions(
      rpc::Call& call, const v1::FindTransactionsRequest& request) override;
  Task<absl::StatusOr<v1::GetTrialBalanceResponse>> GetTrialBalance(
      rpc::Call& call, const v1::GetTrialBalanceRequest& request) override;
  Task<absl::Status> WatchBalances(rpc::Call& call, const v1::WatchBalancesRequest& request,
                                   rpc::Stream<v1::WatchBalancesResponse>& out) override;

 private:
  BookReader& reader_;
  BookWatch& watch_;
  Clock& clock_;
};

}  // namespace florin::ledger
