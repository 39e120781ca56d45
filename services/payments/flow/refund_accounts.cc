#include "services/payments/flow/refund_accounts.h"

#include <utility>

#include "services/payments/domain/step_transaction.h"
#include "services/payments/flow/chart_accounts.h"

namespace florin::payments {
namespace {

// Forgotten all at once: opening again does no harm.
constexpr std::size_t kRemembered = 100'000;

}  // namespace

RefundAccounts::RefundAccounts(ledger::v1::LedgerClient& ledger, std::string book)
    : ledger_(ledger), book_(std::move(book)) {}

Task<absl::Status> RefundAccounts::EnsureOpen(const Payment& payment, const Step& step) {
  const std::pair<Uuid, std::string> which(PayeeOf(payment, step),
                                           std::string(payment.amount.currency.code()));
  {
    std::lock_guard lock(mutex_);
    if (open_.contains(which)) co_return absl::OkStatus();
  }
  ledger::v1::OpenAccountsRequest request;
  const std::string& book = payment.books ? payment.books->target : book_;
  request.set_book(book);
  ledger::v1::Account& receivable = *request.add_accounts();
  receivable.set_account_id(FormatId(IdKind::kAccount, ReceivableAccount(which.first)));
  receivable.set_currency(std::string(CreditedOf(payment).currency.code()));
  receivable.set_normal_side(ledger::v1::DEBIT);
  receivable.set_credits_must_not_exceed_debits(true);
  const HouseAccount disputes{.role = Role::kDisputesClearing, .currency = payment.amount.currency};
  *request.add_accounts() = OpeningOf(disputes);
  rpc::Outgoing context;
  context.route = book;
  const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
  if (!opened.ok()) co_return opened.status();
  std::lock_guard lock(mutex_);
  if (open_.size() >= kRemembered) open_.clear();
  open_.insert(which);
  co_return absl::OkStatus();
}

}  // namespace florin::payments
