#include "services/accounts/rpc/accounts_rpc.h"

#include <map>
#include <set>
#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/accounts/domain/statement.h"
#include "services/accounts/rpc/customer_messages.h"
#include "services/accounts/rpc/holder_messages.h"

namespace florin::accounts {
namespace {

constexpr int kMostLookedUp = 100;

void SetMoney(const std::string& currency, std::int64_t minor_units, money::v1::Money& out) {
  out.set_currency(currency);
  out.set_minor_units(minor_units);
}

v1::Account::Frozen FrozenOf(const ledger::v1::Account& booked) {
  if (booked.frozen_debits()) {
    return booked.frozen_credits() ? v1::Account::BOTH : v1::Account::DEBITS;
  }
  return booked.frozen_credits() ? v1::Account::CREDITS : v1::Account::NOT_FROZEN;
}

// An account as it is here, and in the ledger.
v1::Account ToProto(const Account& account, const Books& books, HolderRole role,
                    const ledger::v1::Account& booked) {
  const Counters counters{.debits_posted = booked.debits_posted(),
                          .credits_posted = booked.credits_posted(),
                          .debits_pending = booked.debits_pending()};
  const Balance balance = BalanceOf(counters);
  const std::string currency(account.currency.code());
  v1::Account proto;
  proto.set_account_id(FormatId(IdKind::kAccount, account.account_id));
  proto.set_customer_id(FormatId(IdKind::kCustomer, account.customer_id));
  proto.set_currency(currency);
  proto.set_display_name(account.display_name);
  SetMoney(currency, balance.posted_minor, *proto.mutable_balance()->mutable_posted());
  SetMoney(currency, balance.available_minor, *proto.mutable_balance()->mutable_available());
  SetTime(account.create_time, *proto.mutable_create_time());
  proto.set_frozen(FrozenOf(booked));
  proto.set_closed(booked.closed());
  proto.set_kind(ToProto(account.kind));
  proto.set_role(ToProto(role));
  proto.set_book(BookOf(account, books.usual()));
  return proto;
}

v1::AccountEntry ToProto(const std::string& currency, const ledger::v1::Entry& entry) {
  const LedgerEntry values{.debit_minor = entry.debit_minor(),
                           .credit_minor = entry.credit_minor(),
                           .debits_posted_after = entry.debits_posted_after(),
                           .credits_posted_after = entry.credits_posted_after()};
  const StatementLine line = LineOf(values);
  v1::AccountEntry proto;
  proto.set_version(entry.version());
  proto.set_transaction_id(entry.transaction_id());
  const auto payment = entry.metadata().find("payment_id");
  if (payment != entry.metadata().end()) proto.set_payment_id(payment->second);
  SetMoney(currency, line.amount_minor, *proto.mutable_amount());
  SetMoney(currency, line.balance_after_minor, *proto.mutable_balance_after());
  *proto.mutable_effective_time() = entry.effective_time();
  *proto.mutable_commit_time() = entry.commit_time();
  return proto;
}

}  // namespace

AccountsRpc::AccountsRpc(Store& store, HolderStore& holders, florin::accounts::OpenAccount& open,
                         ledger::v1::LedgerReaderClient& ledger, Clock& clock, IdSource& ids,
                         Books books)
    : store_(store),
      holders_(holders),
      open_(open),
      ledger_(ledger),
      clock_(clock),
      ids_(ids),
      books_(std::move(books)) {}

Task<absl::StatusOr<v1::Customer>> AccountsRpc::CreateCustomer(
    rpc::Call& call, const v1::CreateCustomerRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_RETURN_IF_ERROR(CheckCustomerName(request.display_name()));
  Customer customer{.customer_id = ids_.NewId(),
                    .user_id = user,
                    .display_name = request.display_name(),
                    .create_time = NowInMicroseconds(clock_)};
  const Uuid customer_id = customer.customer_id;
  RequestKey key{.idempotency_key = call.idempotency_key(),
                 .fingerprint = crypto::Sha256(CanonicalCustomer(request.display_name())),
                 .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<StoredCustomer> stored =
      co_await store_.InsertCustomer(std::move(customer), std::move(key));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  if (stored->customer.customer_id != customer_id) call.MarkReplayed();
  co_return ToProto(stored->customer);
}

Task<absl::StatusOr<v1::Customer>> AccountsRpc::GetCustomer(rpc::Call& call,
                                                            const v1::GetCustomerRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid customer_id,
                             ParseId(IdKind::kCustomer, request.customer_id(), "customer_id"));
  const absl::StatusOr<Customer> customer = co_await store_.GetCustomer(user, customer_id);
  if (!customer.ok()) co_return customer.status();
  co_return ToProto(*customer);
}

Task<absl::StatusOr<v1::Account>> AccountsRpc::OpenAccount(rpc::Call& call,
                                                           const v1::OpenAccountRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid customer_id,
                             ParseId(IdKind::kCustomer, request.customer_id(), "customer_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Currency currency, CheckCurrency(request.currency()));
  FLORIN_CO_RETURN_IF_ERROR(CheckAccountName(request.display_name()));
  FLORIN_CO_ASSIGN_OR_RETURN(const AccountKind kind, FromProto(request.kind()));
  FLORIN_CO_ASSIGN_OR_RETURN(std::string book, books_.Choose(request.book()));
  florin::accounts::OpenAccount::Request open{.user_id = user,
                                              .customer_id = customer_id,
                                              .currency = currency,
                                              .display_name = request.display_name(),
                                              .kind = kind,
                                              .book = std::move(book),
                                              .idempotency_key = call.idempotency_key(),
                                              .origin = audit::OriginOfCall(call)};
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<florin::accounts::OpenAccount::Outcome> outcome =
      co_await open_.Run(std::move(context), std::move(open));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  // The balance it was opened with, so that a replay is the first answer, whatever has been booked
  // since.
  const ledger::v1::Account nothing;
  co_return ToProto(outcome->account, books_, HolderRole::kOwner, nothing);
}

Task<absl::StatusOr<v1::Account>> AccountsRpc::GetAccount(rpc::Call& call,
                                                          const v1::GetAccountRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account_id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  absl::StatusOr<SeenAccount> account = co_await holders_.SeeAccount(user, account_id);
  if (!account.ok()) co_return account.status();
  std::vector<SeenAccount> one = {*std::move(account)};
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<std::vector<v1::Account>> accounts =
      co_await WithBalances(std::move(context), std::move(one));
  if (!accounts.ok()) co_return accounts.status();
  co_return std::move(accounts->front());
}

Task<absl::StatusOr<v1::ListAccountsResponse>> AccountsRpc::ListAccounts(
    rpc::Call& call, const v1::ListAccountsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<SeenAccount>> found =
      co_await holders_.ListSeenAccounts(user, page.after, page.size + 1);
  if (!found.ok()) co_return found.status();
  v1::ListAccountsResponse response;
  response.set_next_page_token(
      CutPage(page, *found, [](const SeenAccount& seen) { return seen.account.account_id; }));
  if (found->empty()) co_return response;
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<std::vector<v1::Account>> accounts =
      co_await WithBalances(std::move(context), *std::move(found));
  if (!accounts.ok()) co_return accounts.status();
  for (v1::Account& account : *accounts) *response.add_accounts() = std::move(account);
  co_return response;
}

Task<absl::StatusOr<v1::ListAccountEntriesResponse>> AccountsRpc::ListAccountEntries(
    rpc::Call& call, const v1::ListAccountEntriesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account_id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const int page_size, ParsePageSize(request.page_size()));
  const absl::StatusOr<SeenAccount> seen = co_await holders_.SeeAccount(user, account_id);
  if (!seen.ok()) co_return seen.status();
  const std::string& book = BookOf(seen->account, books_.usual());
  ledger::v1::ListEntriesRequest ask;
  ask.set_book(book);
  ask.set_account_id(request.account_id());
  ask.set_page_size(page_size);
  ask.set_page_token(request.page_token());
  rpc::Outgoing context = call.AsService();
  context.route = book;
  const absl::StatusOr<ledger::v1::ListEntriesResponse> entries =
      co_await ledger_.ListEntries(std::move(context), ask);
  if (!entries.ok()) co_return entries.status();
  const std::string currency(seen->account.currency.code());
  v1::ListAccountEntriesResponse response;
  for (const ledger::v1::Entry& entry : entries->entries()) {
    *response.add_entries() = ToProto(currency, entry);
  }
  response.set_next_page_token(entries->next_page_token());
  co_return response;
}

Task<absl::StatusOr<v1::LookUpAccountsResponse>> AccountsRpc::LookUpAccounts(
    rpc::Call&, const v1::LookUpAccountsRequest& request) {
  if (request.account_ids_size() > kMostLookedUp) {
    co_return Error(Reason::kTooManyItems, "at most 100 ids", {.param = "account_ids"});
  }
  std::vector<Uuid> ids;
  for (const std::string& text : request.account_ids()) {
    FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kAccount, text, "account_ids"));
    ids.push_back(id);
  }
  const absl::StatusOr<std::vector<HeldAccount>> accounts = co_await store_.LookUp(ids);
  if (!accounts.ok()) co_return accounts.status();
  const absl::StatusOr<std::vector<Holder>> holders = co_await holders_.HoldersOf(std::move(ids));
  if (!holders.ok()) co_return holders.status();
  v1::LookUpAccountsResponse response;
  for (const auto& [account, holder_name, kyc_level, country, dormant] : *accounts) {
    v1::AccountFacts& facts = *response.add_accounts();
    facts.set_account_id(FormatId(IdKind::kAccount, account.account_id));
    facts.set_customer_id(FormatId(IdKind::kCustomer, account.customer_id));
    facts.set_owner_user_id(FormatId(IdKind::kUser, account.user_id));
    facts.set_currency(std::string(account.currency.code()));
    facts.set_holder_name(holder_name);
    facts.set_kind(ToProto(account.kind));
    for (const Holder& holder : *holders) {
      if (holder.account_id != account.account_id) continue;
      v1::AccountHolder& proto = *facts.add_holders();
      proto.set_user_id(FormatId(IdKind::kUser, holder.user_id));
      proto.set_role(ToProto(holder.role));
    }
    facts.set_kyc_level(ToProto(kyc_level));
    facts.set_book(BookOf(account, books_.usual()));
    facts.set_country(country);
    facts.set_dormant(dormant);
  }
  co_return response;
}

Task<absl::StatusOr<std::vector<v1::Account>>> AccountsRpc::WithBalances(
    rpc::Outgoing context, std::vector<SeenAccount> accounts) {
  std::set<std::string> books;
  for (const SeenAccount& seen : accounts) books.insert(BookOf(seen.account, books_.usual()));
  std::map<std::string, ledger::v1::Account> booked;
  for (const std::string& book : books) {
    FLORIN_CO_RETURN_IF_ERROR(co_await ReadFrom(context, book, accounts, booked));
  }
  std::vector<v1::Account> protos;
  protos.reserve(accounts.size());
  for (const SeenAccount& seen : accounts) {
    const auto found = booked.find(FormatId(IdKind::kAccount, seen.account.account_id));
    if (found == booked.end()) {
      co_return Error(Reason::kInternal, "the ledger does not know an open account");
    }
    protos.push_back(ToProto(seen.account, books_, seen.role, found->second));
  }
  co_return protos;
}

Task<absl::Status> AccountsRpc::ReadFrom(rpc::Outgoing context, std::string book,
                                         const std::vector<SeenAccount>& accounts,
                                         std::map<std::string, ledger::v1::Account>& booked) {
  ledger::v1::GetAccountsRequest ask;
  ask.set_book(book);
  for (const SeenAccount& seen : accounts) {
    if (BookOf(seen.account, books_.usual()) != book) continue;
    ask.add_account_ids(FormatId(IdKind::kAccount, seen.account.account_id));
  }
  context.route = std::move(book);
  absl::StatusOr<ledger::v1::GetAccountsResponse> response =
      co_await ledger_.GetAccounts(std::move(context), ask);
  if (!response.ok()) co_return response.status();
  for (ledger::v1::Account& account : *response->mutable_accounts()) {
    std::string id = account.account_id();
    booked.emplace(std::move(id), std::move(account));
  }
  co_return absl::OkStatus();
}

}  // namespace florin::accounts
