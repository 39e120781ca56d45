#include "services/payments/flow/reader_double.h"

#include <algorithm>

#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

absl::Status Unavailable() { return Error(Reason::kUnavailable, "told to fail"); }
absl::Status Unused() { return Error(Reason::kInternal, "payments does not use it"); }

}  // namespace

void ReaderDouble::Tell(const Payment& payment) {
  std::lock_guard lock(mutex_);
  ledger::v1::TransactionResult result;
  ledger::v1::Transaction& committed = *result.mutable_committed();
  committed.set_transaction_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  (*committed.mutable_metadata())["payment_id"] = FormatId(IdKind::kPayment, payment.payment_id);
  for (const LedgerPosting& posting : PostingsOf(payment)) {
    ledger::v1::Posting& moved = *committed.add_postings();
    moved.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    moved.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    moved.set_amount_minor(posting.amount_minor);
  }
  committed.set_sequence(static_cast<std::int64_t>(results_.size()) + 1);
  results_.push_back(std::move(result));
}

void ReaderDouble::SetAvailable(bool available) {
  std::lock_guard lock(mutex_);
  available_ = available;
}

Task<absl::StatusOr<ledger::v1::GetTransactionsResponse>> ReaderDouble::GetTransactions(
    rpc::Call&, const ledger::v1::GetTransactionsRequest& request) {
  std::lock_guard lock(mutex_);
  if (!available_) co_return Unavailable();
  if (request.transaction_ids_size() > 1000) co_return Error(Reason::kTooManyItems, "1000");
  ledger::v1::GetTransactionsResponse response;
  for (const ledger::v1::TransactionResult& result : results_) {
    if (std::ranges::count(request.transaction_ids(), result.committed().transaction_id()) > 0) {
      *response.add_results() = result;
    }
  }
  co_return response;
}

Task<absl::StatusOr<ledger::v1::ListTransactionsResponse>> ReaderDouble::ListTransactions(
    rpc::Call&, const ledger::v1::ListTransactionsRequest& request) {
  std::lock_guard lock(mutex_);
  if (!available_) co_return Unavailable();
  ledger::v1::ListTransactionsResponse response;
  for (const ledger::v1::TransactionResult& result : results_) {
    if (result.committed().sequence() <= request.after_sequence()) continue;
    if (response.results_size() == request.page_size()) break;
    *response.add_results() = result;
  }
  co_return response;
}

Task<absl::StatusOr<ledger::v1::GetAccountsResponse>> ReaderDouble::GetAccounts(
    rpc::Call&, const ledger::v1::GetAccountsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> ReaderDouble::GetBalances(
    rpc::Call&, const ledger::v1::GetBalancesRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::ListEntriesResponse>> ReaderDouble::ListEntries(
    rpc::Call&, const ledger::v1::ListEntriesRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::GetTransactionResponse>> ReaderDouble::GetTransaction(
    rpc::Call&, const ledger::v1::GetTransactionRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::FindTransactionsResponse>> ReaderDouble::FindTransactions(
    rpc::Call&, const ledger::v1::FindTransactionsRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<ledger::v1::GetTrialBalanceResponse>> ReaderDouble::GetTrialBalance(
    rpc::Call&, const ledger::v1::GetTrialBalanceRequest&) {
  co_return Unused();
}
Task<absl::Status> ReaderDouble::WatchBalances(rpc::Call&, const ledger::v1::WatchBalancesRequest&,
                                               rpc::Stream<ledger::v1::WatchBalancesResponse>&) {
  co_return Unused();
}

}  // namespace florin::payments
