#include "services/ledger/store/fake_store.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {
namespace {

absl::Status BookNotFound() {
  return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
}

}  // namespace

FakeStore::Book* FakeStore::Find(const std::string& book) {
  const auto found = books_.find(book);
  return found == books_.end() ? nullptr : &found->second;
}

Task<absl::Status> FakeStore::EnsureBook(std::string book) {
  std::lock_guard lock(mutex_);
  books_[book];
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> FakeStore::HasBook(std::string book) {
  std::lock_guard lock(mutex_);
  co_return Find(book) != nullptr;
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::OpenAccounts(
    std::string book, std::vector<AccountTerms> accounts) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  auto opened = kept->accounts;
  std::vector<Account> result;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto account =
        opened.emplace(accounts[i].account_id, Account{.terms = accounts[i]}).first;
    if (const auto field = FirstDifference(account->second.terms, accounts[i])) {
      co_return Error(Reason::kIdConflict, "the account is open with other terms",
                      {.param = absl::StrCat("accounts[", i, "].", *field)});
    }
    result.push_back(account->second);
  }
  kept->accounts = std::move(opened);
  co_return result;
}

Task<absl::StatusOr<std::vector<Outcome>>> FakeStore::Commit(std::string book,
                                                             std::vector<TransactionInput> inputs,
                                                             absl::Time now) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  LoadedBook loaded;
  loaded.state = kept->state;
  loaded.accounts = kept->accounts;
  loaded.decisions = kept->decisions;
  Effects effects = ApplyBatch(std::move(loaded), inputs, now);
  kept->state = effects.state;
  for (const Account& account : effects.accounts) {
    kept->accounts.at(account.terms.account_id) = account;
  }
  for (const Outcome& outcome : effects.outcomes) {
    if (!IsNewDecision(outcome)) continue;
    const Uuid id = outcome.decision.input.transaction_id;
    kept->decisions.emplace(id, outcome.decision);
    if (outcome.decision.commitment() != nullptr) kept->by_sequence.push_back(id);
  }
  kept->entries.insert(kept->entries.end(), effects.entries.begin(), effects.entries.end());
  co_return std::move(effects.outcomes);
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::GetAccounts(std::string book,
                                                                  std::vector<Uuid> ids) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  std::vector<Account> accounts;
  for (const Uuid& id : ids) {
    if (const auto account = kept->accounts.find(id); account != kept->accounts.end()) {
      accounts.push_back(account->second);
    }
  }
  co_return accounts;
}

Task<absl::StatusOr<Statement>> FakeStore::ListEntries(std::string book, Uuid account_id,
                                                       std::optional<std::int64_t> before,
                                                       int limit) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr || !kept->accounts.contains(account_id)) {
    co_return Error(Reason::kAccountNotFound, "the book has no such account");
  }
  Statement statement{.account = kept->accounts.at(account_id)};
  for (auto entry = kept->entries.rbegin(); entry != kept->entries.rend(); ++entry) {
    if (entry->account_id != account_id || (before && entry->version >= *before)) continue;
    if (static_cast<int>(statement.lines.size()) == limit) break;
    const Uuid& id = kept->by_sequence.at(entry->sequence - 1);
    const Decision& decision = kept->decisions.at(id);
    const absl::Time commit_time = decision.commitment()->commit_time;
    statement.lines.push_back(
        {.entry = *entry,
         .transaction_id = id,
         .effective_time = decision.input.effective_time.value_or(commit_time),
         .commit_time = commit_time,
         .metadata = decision.input.metadata});
  }
  co_return statement;
}

Task<absl::StatusOr<Decision>> FakeStore::GetDecision(std::string book, Uuid transaction_id) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr || !kept->decisions.contains(transaction_id)) {
    co_return Error(Reason::kTransactionNotFound, "nothing was decided under this id");
  }
  co_return kept->decisions.at(transaction_id);
}

}  // namespace florin::ledger
