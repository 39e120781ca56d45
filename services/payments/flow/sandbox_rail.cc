#include "services/payments/flow/sandbox_rail.h"

#include <utility>

#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {

SandboxRail::SandboxRail(ledger::v1::LedgerClient& ledger, std::string book)
    : ledger_(ledger), book_(std::move(book)) {}

Task<absl::Status> SandboxRail::EnsureOpen(Currency currency) {
  const std::string code(currency.code());
  {
    std::lock_guard lock(mutex_);
    if (open_.contains(code)) co_return absl::OkStatus();
  }
  ledger::v1::OpenAccountsRequest request;
  request.set_book(book_);
  ledger::v1::Account& account = *request.add_accounts();
  account.set_account_id(FormatId(IdKind::kAccount, SandboxRailAccount(currency)));
  account.set_currency(code);
  account.set_normal_side(ledger::v1::DEBIT);
  rpc::Outgoing context;
  context.route = book_;
  const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
  if (!opened.ok()) co_return opened.status();
  std::lock_guard lock(mutex_);
  open_.insert(code);
  co_return absl::OkStatus();
}

void SandboxRail::Forget(const Currency& currency) {
  std::lock_guard lock(mutex_);
  open_.erase(std::string(currency.code()));
}

}  // namespace florin::payments
