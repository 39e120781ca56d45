#include "services/ledger/rpc/ledger_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/rpc/messages.h"

namespace florin::ledger {
namespace {

constexpr int kMostAccountsToOpen = 100;
constexpr int kMostTransactions = 1000;
constexpr int kMostChanges = 100;

absl::Status CheckCount(int count, int least, int most, const char* param) {
  if (count >= least && count <= most) return absl::OkStatus();
  return Error(Reason::kTooManyItems, absl::StrCat("send ", least, " to ", most), {.param = param});
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

// A group can't reach beyond its request: its last transaction is linked to nothing.
void CloseLastGroup(std::vector<LedgerRpc::Asked>& asked) {
  if (asked.empty() || !std::exchange(asked.back().linked_to_next, false)) return;
  if (!asked.back().command.ok()) return;
  Command& last = *asked.back().command;
  last.linked_to_next = false;
  if (last.malformed) return;
  last.malformed =
      Refuse(Reason::kLinkedChainOpen, "the last transaction has no next one", "linked_to_next");
}

// The rules see only transactions that have an id. A group with one that has none fails here.
void FailGroupsWithoutId(std::vector<LedgerRpc::Asked>& asked) {
  for (std::size_t begin = 0; begin < asked.size();) {
    std::size_t end = begin + 1;
    while (asked[end - 1].linked_to_next) ++end;
    bool whole = true;
    for (std::size_t i = begin; i < end; ++i) whole = whole && asked[i].command.ok();
    for (; begin < end; ++begin) {
      if (whole || !asked[begin].command.ok()) continue;
      Command& command = *asked[begin].command;
      command.linked_to_next = false;
      command.malformed = Refuse(Reason::kLinkedTransactionFailed,
                                 "another transaction of its group has no valid id", "");
      command.malformed->remembered = false;
    }
  }
}

}  // namespace

Task<absl::StatusOr<v1::OpenAccountsResponse>> LedgerRpc::OpenAccounts(
    rpc::Call&, const v1::OpenAccountsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(
      CheckCount(request.accounts_size(), 1, kMostAccountsToOpen, "accounts"));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<AccountTerms> terms, ReadTerms(request));
  const absl::Time now = clock_.Now();
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Account> accounts,
                             co_await store_.OpenAccounts(request.book(), std::move(terms), now));
  v1::OpenAccountsResponse response;
  for (const Account& account : accounts) *response.add_accounts() = WriteAccount(account);
  co_return response;
}

Task<absl::StatusOr<v1::PostTransactionsResponse>> LedgerRpc::Decide(rpc::Call& call,
                                                                     std::string book,
                                                                     std::vector<Asked> asked,
                                                                     bool dry_run) {
  CloseLastGroup(asked);
  FailGroupsWithoutId(asked);
  v1::PostTransactionsResponse response;
  std::vector<Command> commands;
  std::vector<int> places;  // Of `commands` in the response.
  for (std::size_t i = 0; i < asked.size(); ++i) {
    v1::TransactionResult* result = response.add_results();
    if (asked[i].command.ok()) {
      commands.push_back(*std::move(asked[i].command));
      places.push_back(static_cast<int>(i));
      continue;
    }
    const std::string message(asked[i].command.status().message());
    *result = WriteRefusal(asked[i].transaction_id,
                           Refuse(Reason::kInvalidId, message, "transaction_id"));
  }
  // Decided even if empty, so that an unknown book is always said.
  const absl::Time now = clock_.Now();
  absl::StatusOr<std::vector<Outcome>> outcomes;
  if (dry_run) {
    outcomes = co_await store_.DryRun(std::move(book), std::move(commands), now);
  } else {
    outcomes = co_await batcher_.Post(std::move(book), std::move(commands), call.caller(),
                                      call.deadline());
  }
  if (!outcomes.ok()) co_return outcomes.status();
  for (std::size_t i = 0; i < outcomes->size(); ++i) {
    *response.mutable_results(places[i]) = WriteOutcome((*outcomes)[i]);
  }
  co_return response;
}

Task<absl::StatusOr<v1::PostTransactionsResponse>> LedgerRpc::PostTransactions(
    rpc::Call& call, const v1::PostTransactionsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(
      CheckCount(request.transactions_size(), 1, kMostTransactions, "transactions"));
  std::vector<Asked> asked;
  for (const v1::TransactionInput& message : request.transactions()) {
    asked.push_back(
        {ReadTransactionInput(message), message.transaction_id(), message.linked_to_next()});
  }
  co_return co_await Decide(call, request.book(), std::move(asked), request.dry_run());
}

Task<absl::StatusOr<v1::PostTransactionsResponse>> LedgerRpc::ChangeAccounts(
    rpc::Call& call, const v1::ChangeAccountsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(CheckCount(request.changes_size(), 1, kMostChanges, "changes"));
  std::vector<Asked> asked;
  for (const v1::AccountChange& message : request.changes()) {
    asked.push_back({ReadAccountChange(message), message.transaction_id()});
  }
  co_return co_await Decide(call, request.book(), std::move(asked), false);
}

Task<absl::StatusOr<v1::TransactionResult>> LedgerRpc::CloseAccount(
    rpc::Call& call, const v1::CloseAccountRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<Command> commands, ReadCloseAccount(request));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::vector<Outcome> outcomes,
      co_await batcher_.Post(request.book(), std::move(commands), call.caller(), call.deadline()));
  // The one that says why, if the other only says that it was linked.
  const Refusal* first = outcomes.front().decision.refusal();
  const bool says_why = first != nullptr && first->reason != Reason::kLinkedTransactionFailed;
  co_return WriteOutcome(says_why ? outcomes.front() : outcomes.back());
}

Task<absl::StatusOr<v1::TransactionResult>> LedgerRpc::ClosePeriod(
    rpc::Call& call, const v1::ClosePeriodRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(Command command, ReadClosePeriod(request));
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::vector<Outcome> outcomes,
      co_await batcher_.Post(request.book(), std::move(commands), call.caller(), call.deadline()));
  co_return WriteOutcome(outcomes[0]);
}

}  // namespace florin::ledger
