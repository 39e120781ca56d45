#include "services/payments/flow/clearing_check.h"

#include <algorithm>
#include <utility>

#include "libs/clock/microseconds.h"

namespace florin::payments {
namespace {

// What came to its end so long before the books are read is in both of them; far more than the
// clocks of several replicas differ by.
constexpr absl::Duration kSettled = absl::Minutes(5);
constexpr std::size_t kMostRead = 1000;  // The ledger's.

}  // namespace

Task<absl::StatusOr<std::vector<Clearing>>> ClearingCheck::Run() {
  absl::StatusOr<std::vector<BookPair>> pairs = co_await transfers_.ListPairs();
  if (!pairs.ok()) co_return pairs.status();
  std::vector<Clearing> all;
  for (BookPair& pair : *pairs) {
    absl::StatusOr<Clearing> one = co_await Look(std::move(pair));
    if (!one.ok()) co_return one.status();
    all.push_back(*std::move(one));
  }
  co_return all;
}

// The books first, then the transfers: one that is not there yet had nothing posted when the books
// were read, and one that is over for long had everything.
Task<absl::StatusOr<Clearing>> ClearingCheck::Look(BookPair pair) {
  const absl::Time since = InMicroseconds(clock_.Now() - kSettled);
  const Uuid account = ClearingAccountOf(pair.books, pair.currency);
  const absl::StatusOr<Side> source = co_await Read(pair.books.source, account);
  if (!source.ok()) co_return source.status();
  const absl::StatusOr<Side> target = co_await Read(pair.books.target, account);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<std::vector<BookTransfer>> transfers =
      co_await transfers_.ListUnderWay(pair, since);
  if (!transfers.ok()) co_return transfers.status();
  std::vector<Uuid> credit_ids;
  std::vector<Uuid> capture_ids;
  for (const BookTransfer& transfer : *transfers) {
    credit_ids.push_back(CreditIdOf(transfer.payment_id));
    capture_ids.push_back(CaptureIdOf(transfer.payment_id));
  }
  absl::StatusOr<std::map<Uuid, bool>> credits =
      co_await Posted(pair.books.target, std::move(credit_ids), target->sequence);
  if (!credits.ok()) co_return credits.status();
  absl::StatusOr<std::map<Uuid, bool>> captures =
      co_await Posted(pair.books.source, std::move(capture_ids), source->sequence);
  if (!captures.ok()) co_return captures.status();
  Clearing clearing{.pair = std::move(pair),
                    .owed_minor = source->credits_less_debits,
                    .due_minor = -target->credits_less_debits};
  for (const BookTransfer& transfer : *transfers) {
    const std::int64_t amount = transfer.amount.minor_units;
    if ((*credits)[CreditIdOf(transfer.payment_id)]) clearing.under_way_minor += amount;
    if ((*captures)[CaptureIdOf(transfer.payment_id)]) clearing.under_way_minor -= amount;
  }
  co_return clearing;
}

Task<absl::StatusOr<ClearingCheck::Side>> ClearingCheck::Read(std::string book, Uuid account_id) {
  ledger::v1::GetAccountsRequest request;
  request.set_book(book);
  request.add_account_ids(FormatId(IdKind::kAccount, account_id));
  rpc::Outgoing context;
  context.route = std::move(book);
  const absl::StatusOr<ledger::v1::GetAccountsResponse> response =
      co_await reader_.GetAccounts(std::move(context), request);
  if (!response.ok()) co_return response.status();
  Side side{.sequence = response->sequence()};
  for (const ledger::v1::Account& account : response->accounts()) {
    side.credits_less_debits = account.credits_posted() - account.debits_posted();
  }
  co_return side;
}

Task<absl::StatusOr<std::map<Uuid, bool>>> ClearingCheck::Posted(std::string book,
                                                                 std::vector<Uuid> ids,
                                                                 std::int64_t sequence) {
  std::map<Uuid, bool> posted;
  for (std::size_t from = 0; from < ids.size(); from += kMostRead) {
    ledger::v1::GetTransactionsRequest request;
    request.set_book(book);
    // Not older than the book was when its account was read.
    request.set_at_least_sequence(sequence);
    const std::size_t until = std::min(ids.size(), from + kMostRead);
    for (std::size_t i = from; i < until; ++i) {
      request.add_transaction_ids(FormatId(IdKind::kTransaction, ids[i]));
    }
    rpc::Outgoing context;
    context.route = book;
    const absl::StatusOr<ledger::v1::GetTransactionsResponse> response =
        co_await reader_.GetTransactions(std::move(context), request);
    if (!response.ok()) co_return response.status();
    for (const ledger::v1::TransactionResult& result : response->results()) {
      if (!result.has_committed() || result.committed().sequence() > sequence) continue;
      FLORIN_CO_ASSIGN_OR_RETURN(
          const Uuid id,
          ParseId(IdKind::kTransaction, result.committed().transaction_id(), "transaction_id"));
      posted[id] = true;
    }
  }
  co_return posted;
}

}  // namespace florin::payments
