#include "services/ledger/rpc/ledger_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/rpc/messages.h"
#include "services/ledger/rpc/page_token.h"

namespace florin::ledger {
namespace {

constexpr int kMostAccountsToOpen = 100;
constexpr int kMostTransactions = 1000;
constexpr int kMostAccountsToGet = 1000;
constexpr int kDefaultPageSize = 100;
constexpr int kLargestPageSize = 1000;

absl::Status CheckCount(int count, int least, int most, const char* param) {
  if (count >= least && count <= most) return absl::OkStatus();
  return Error(Reason::kTooManyItems, absl::StrCat("send ", least, " to ", most), {.param = param});
}

absl::Status CheckBook(const std::string& book) {
  if (IsBookName(book)) return absl::OkStatus();
  return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
}

absl::StatusOr<std::vector<AccountTerms>> ReadTerms(const v1::OpenAccountsRequest& request) {
  std::vector<AccountTerms> accounts;
  for (int i = 0; i < request.accounts_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(
        const AccountTerms terms,
        ReadAccountTerms(request.accounts(i), absl::StrCat("accounts[", i, "].")));
    accounts.push_back(terms);
  }
  return accounts;
}

absl::StatusOr<std::vector<Uuid>> ReadAccountIds(const v1::GetAccountsRequest& request) {
  std::vector<Uuid> ids;
  for (int i = 0; i < request.account_ids_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kAccount, request.account_ids(i),
                                                   absl::StrCat("account_ids[", i, "]")));
    ids.push_back(id);
  }
  return ids;
}

struct EntryPage {
  Uuid account_id;
  int size = kDefaultPageSize;
  std::optional<std::int64_t> before;
};

absl::StatusOr<EntryPage> ReadEntryPage(const v1::ListEntriesRequest& request) {
  EntryPage page;
  FLORIN_ASSIGN_OR_RETURN(page.account_id,
                          ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  if (request.page_size() < 0 || request.page_size() > kLargestPageSize) {
    return Error(Reason::kInvalidPageSize, "1 to 1000, or 0 for 100", {.param = "page_size"});
  }
  if (request.page_size() > 0) page.size = request.page_size();
  if (!request.page_token().empty()) {
    FLORIN_ASSIGN_OR_RETURN(page.before,
                            ParseEntryPageToken(page.account_id, request.page_token()));
  }
  return page;
}

}  // namespace

Task<absl::StatusOr<v1::OpenAccountsResponse>> LedgerRpc::OpenAccounts(
    rpc::Call&, const v1::OpenAccountsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(
      CheckCount(request.accounts_size(), 1, kMostAccountsToOpen, "accounts"));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<AccountTerms> terms, ReadTerms(request));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Account> accounts,
                             co_await store_.OpenAccounts(request.book(), std::move(terms)));
  v1::OpenAccountsResponse response;
  for (const Account& account : accounts) *response.add_accounts() = WriteAccount(account);
  co_return response;
}

Task<absl::StatusOr<v1::PostTransactionsResponse>> LedgerRpc::PostTransactions(
    rpc::Call&, const v1::PostTransactionsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(
      CheckCount(request.transactions_size(), 1, kMostTransactions, "transactions"));
  v1::PostTransactionsResponse response;
  std::vector<TransactionInput> inputs;
  std::vector<int> places;  // Of `inputs` in the response.
  for (int i = 0; i < request.transactions_size(); ++i) {
    const v1::TransactionInput& message = request.transactions(i);
    absl::StatusOr<TransactionInput> input = ReadTransactionInput(message);
    v1::TransactionResult* result = response.add_results();
    if (input.ok()) {
      inputs.push_back(*std::move(input));
      places.push_back(i);
      continue;
    }
    *result =
        WriteRefusal(message.transaction_id(), {.reason = Reason::kInvalidId,
                                                .message = std::string(input.status().message()),
                                                .param = "transaction_id"});
  }
  // Posted even if empty, so that an unknown book is always said.
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Outcome> outcomes,
                             co_await batcher_.Post(request.book(), std::move(inputs)));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    *response.mutable_results(places[i]) = WriteOutcome(outcomes[i]);
  }
  co_return response;
}

Task<absl::StatusOr<v1::GetAccountsResponse>> LedgerRpc::GetAccounts(
    rpc::Call&, const v1::GetAccountsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(
      CheckCount(request.account_ids_size(), 0, kMostAccountsToGet, "account_ids"));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<Uuid> ids, ReadAccountIds(request));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Account> accounts,
                             co_await store_.GetAccounts(request.book(), std::move(ids)));
  v1::GetAccountsResponse response;
  for (const Account& account : accounts) *response.add_accounts() = WriteAccount(account);
  co_return response;
}

Task<absl::StatusOr<v1::ListEntriesResponse>> LedgerRpc::ListEntries(
    rpc::Call&, const v1::ListEntriesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const EntryPage page, ReadEntryPage(request));
  if (!IsBookName(request.book())) {
    co_return Error(Reason::kAccountNotFound, "the book has no such account");
  }
  // One more than the page has shows whether there is a next one.
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Statement statement,
      co_await store_.ListEntries(request.book(), page.account_id, page.before, page.size + 1));
  v1::ListEntriesResponse response;
  *response.mutable_account() = WriteAccount(statement.account);
  for (const StatementLine& line : statement.lines) {
    if (response.entries_size() == page.size) {
      const std::int64_t last = response.entries(page.size - 1).version();
      response.set_next_page_token(EntryPageToken(page.account_id, last));
      break;
    }
    *response.add_entries() = WriteEntry(line);
  }
  co_return response;
}

Task<absl::StatusOr<v1::TransactionResult>> LedgerRpc::GetTransaction(
    rpc::Call&, const v1::GetTransactionRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kTransaction, request.transaction_id(), "transaction_id"));
  if (!IsBookName(request.book())) {
    co_return Error(Reason::kTransactionNotFound, "nothing was decided under this id");
  }
  FLORIN_CO_ASSIGN_OR_RETURN(Decision decision, co_await store_.GetDecision(request.book(), id));
  co_return WriteOutcome(Outcome{.decision = std::move(decision), .replayed = true});
}

}  // namespace florin::ledger
