#include "services/payments/flow/chart_accounts.h"

#include <utility>

namespace florin::payments {
namespace {

std::string KeyOf(const HouseAccount& account) {
  return std::to_string(ChartAccountOf(account.role).number) + std::string(account.currency.code());
}

}  // namespace

ledger::v1::Account OpeningOf(const HouseAccount& house) {
  const ChartAccount& row = ChartAccountOf(house.role);
  ledger::v1::Account account;
  account.set_account_id(FormatId(IdKind::kAccount, HouseAccountId(house)));
  account.set_currency(std::string(house.currency.code()));
  account.set_normal_side(row.normal_side == Side::kDebit ? ledger::v1::DEBIT : ledger::v1::CREDIT);
  account.set_debits_must_not_exceed_credits(row.never_negative);
  return account;
}

ChartAccounts::ChartAccounts(ledger::v1::LedgerClient& ledger, std::string book)
    : ledger_(ledger), book_(std::move(book)) {}

Task<absl::Status> ChartAccounts::EnsureOpen(std::vector<HouseAccount> accounts) {
  const std::vector<HouseAccount> unknown = Unknown(accounts);
  if (unknown.empty()) co_return absl::OkStatus();
  ledger::v1::OpenAccountsRequest request;
  request.set_book(book_);
  for (const HouseAccount& house : unknown) *request.add_accounts() = OpeningOf(house);
  rpc::Outgoing context;
  context.route = book_;
  const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
  if (!opened.ok()) co_return opened.status();
  std::lock_guard lock(mutex_);
  for (const HouseAccount& house : unknown) open_.insert(KeyOf(house));
  co_return absl::OkStatus();
}

std::vector<HouseAccount> ChartAccounts::Unknown(const std::vector<HouseAccount>& accounts) {
  std::lock_guard lock(mutex_);
  std::vector<HouseAccount> unknown;
  for (const HouseAccount& house : accounts) {
    if (!open_.contains(KeyOf(house))) unknown.push_back(house);
  }
  return unknown;
}

void ChartAccounts::Forget(const std::vector<HouseAccount>& accounts) {
  std::lock_guard lock(mutex_);
  for (const HouseAccount& house : accounts) open_.erase(KeyOf(house));
}

}  // namespace florin::payments
