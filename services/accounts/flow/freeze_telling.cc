#include "services/accounts/flow/freeze_telling.h"

#include <set>
#include <utility>

#include "libs/telemetry/log.h"

namespace florin::accounts {
namespace {

constexpr int kMostInACall = 100;  // Of the ledger's

ledger::v1::AccountChange ChangeOf(const FreezeRevision& one) {
  ledger::v1::AccountChange change;
  change.set_account_id(FormatId(IdKind::kAccount, one.account_id));
  const Uuid id = DeriveId("florin.accounts.freeze_account",
                           change.account_id() + " " + std::to_string(one.revision));
  change.set_transaction_id(FormatId(IdKind::kTransaction, id));
  change.mutable_freeze()->set_debits(one.frozen.debits);
  change.mutable_freeze()->set_credits(one.frozen.credits);
  return change;
}

}  // namespace

Task<absl::Status> FreezeTelling::Run(rpc::Outgoing context, FreezesOf of) {
  int told = kMostInACall;
  while (told == kMostInACall) {
    const absl::StatusOr<int> some = co_await TellSome(context, of);
    if (!some.ok()) co_return some.status();
    told = *some;
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> FreezeTelling::TellSome(rpc::Outgoing context, FreezesOf of) {
  absl::StatusOr<std::vector<FreezeRevision>> untold =
      co_await store_.ListUntold(std::move(of), kMostInACall);
  if (!untold.ok()) co_return untold.status();
  if (untold->empty()) co_return 0;
  std::set<std::string> books;
  for (const FreezeRevision& one : *untold) books.insert(one.book);
  for (const std::string& book : books) {
    FLORIN_CO_RETURN_IF_ERROR(co_await Tell(context, book, *untold));
  }
  const int told = static_cast<int>(untold->size());
  FLORIN_CO_RETURN_IF_ERROR(co_await store_.MarkTold(*std::move(untold)));
  co_return told;
}

// Those of them that are in this book; an account's stay in their order.
Task<absl::Status> FreezeTelling::Tell(rpc::Outgoing context, std::string book,
                                       const std::vector<FreezeRevision>& untold) {
  const std::string& there = book.empty() ? book_ : book;
  ledger::v1::ChangeAccountsRequest request;
  request.set_book(there);
  for (const FreezeRevision& one : untold) {
    if (one.book == book) *request.add_changes() = ChangeOf(one);
  }
  context.route = there;
  const absl::StatusOr<ledger::v1::PostTransactionsResponse> response =
      co_await ledger_.ChangeAccounts(std::move(context), request);
  if (!response.ok()) co_return response.status();
  for (const ledger::v1::TransactionResult& result : response->results()) {
    if (!result.has_refused()) continue;
    telemetry::Log(telemetry::Severity::kError, "the ledger refuses to freeze an account",
                   {{"reason", result.refused().reason()}});
    co_return Error(Reason::kInternal, "the ledger refuses to freeze an account");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> FreezeTelling::RunOnce() {
  rpc::Outgoing context;
  FreezesOf everybodys;
  const absl::Status status = co_await Run(std::move(context), std::move(everybodys));
  if (!status.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "the ledger was not told what to freeze",
                   {{"error", std::string(status.message())}});
  }
  co_return status;
}

}  // namespace florin::accounts
