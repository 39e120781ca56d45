#include "services/ledger/store/fake_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/store/opening.h"

namespace florin::ledger {
namespace {

void Keep(const Effects& effects, FakeStore::Book& book) {
  LoadedBook& kept = book.loaded;
  kept.state = effects.state;
  for (const auto* accounts : {&effects.opened, &effects.accounts}) {
    for (const Account& account : *accounts) {
      kept.accounts.insert_or_assign(account.terms.account_id, account);
    }
  }
  for (const auto* holds : {&effects.made, &effects.holds}) {
    for (const Hold& hold : *holds) kept.holds.insert_or_assign(hold.hold_id, hold);
  }
  for (const Outcome& outcome : effects.outcomes) {
    if (!IsNewDecision(outcome)) continue;
    const Decision& decision = outcome.decision;
    kept.decisions.emplace(decision.command.transaction_id, decision);
    book.journal.push_back(decision.command.transaction_id);
    const auto* reverse = std::get_if<Reverse>(&decision.command.action);
    if (reverse == nullptr || decision.commitment() == nullptr) continue;
    const Decision& original = kept.decisions.at(reverse->transaction_id);
    const auto count = static_cast<std::int64_t>(original.commitment()->postings.size());
    for (std::int64_t i = 0; i < count; ++i) {
      if (reverse->posting.value_or(i) == i) kept.reversed[reverse->transaction_id].insert(i);
    }
  }
  book.entries.insert(book.entries.end(), effects.entries.begin(), effects.entries.end());
}

const Decision& DecisionOf(const FakeStore::Book& book, std::int64_t sequence) {
  return book.loaded.decisions.at(book.journal.at(static_cast<std::size_t>(sequence - 1)));
}

StatementLine LineOf(const FakeStore::Book& book, const Entry& entry) {
  const Decision& decision = DecisionOf(book, entry.sequence);
  return {.entry = entry,
          .transaction_id = decision.command.transaction_id,
          .kind = std::string(KindOf(decision.command.action)),
          .effective_time = decision.commitment()->effective_time,
          .commit_time = decision.commit_time,
          .metadata = decision.command.metadata};
}

// Debits and credits posted, debits and credits pending.
using WideCounters = std::array<__int128, 4>;

void Add(const Counters& counters, WideCounters& sums) {
  sums[0] += counters.debits_posted;
  sums[1] += counters.credits_posted;
  sums[2] += counters.debits_pending;
  sums[3] += counters.credits_pending;
}

// Of a number that is not negative.
std::string DecimalOf(__int128 number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number > 0);
  return digits;
}

// By adding up all that counts, where PgBookReader has shortcuts.
absl::StatusOr<Balance> BalanceOf(const FakeStore::Book& book, const Uuid& id, const AsOf& as_of) {
  WideCounters sums{};
  Balance balance{.account_id = id,
                  .currency = book.loaded.accounts.at(id).terms.currency,
                  .counters = {},
                  .version = 0};
  for (const Entry& entry : book.entries) {
    if (entry.account_id != id) continue;
    const auto* time = std::get_if<absl::Time>(&as_of);
    const bool counts =
        time == nullptr ? entry.sequence <= std::get<std::int64_t>(as_of)
                        : DecisionOf(book, entry.sequence).commitment()->effective_time <= *time;
    if (!counts) continue;
    Add(entry.change, sums);
    ++balance.version;
  }
  Counters& counters = balance.counters;
  std::size_t i = 0;
  for (std::int64_t* counter : {&counters.debits_posted, &counters.credits_posted,
                                &counters.debits_pending, &counters.credits_pending}) {
    *counter = static_cast<std::int64_t>(sums[i]);
    if (*counter != sums[i++]) {
      return Error(Reason::kBalanceOverflow, "what was pending then does not fit 64 bits");
    }
  }
  return balance;
}

// Of the query's account, from where it goes on and within its times, in its order.
std::vector<StatementLine> LinesInRange(const FakeStore::Book& book, const EntryQuery& query) {
  std::vector<StatementLine> lines;
  for (const Entry& entry : book.entries) {
    if (entry.account_id != query.account_id) continue;
    const std::int64_t beyond = query.beyond.value_or(entry.sequence);
    if (query.oldest_first ? entry.sequence < beyond : entry.sequence > beyond) continue;
    if (query.beyond && entry.sequence == beyond) continue;
    StatementLine line = LineOf(book, entry);
    if (query.from_commit_time && line.commit_time < *query.from_commit_time) continue;
    if (query.until_commit_time && line.commit_time >= *query.until_commit_time) continue;
    lines.push_back(std::move(line));
  }
  if (!query.oldest_first) std::reverse(lines.begin(), lines.end());
  return lines;
}

bool Matches(const EntryQuery& query, const StatementLine& line) {
  const auto& kinds = query.kinds;
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), line.kind) == kinds.end()) {
    return false;
  }
  if (!query.metadata) return true;
  const auto found = line.metadata.find(query.metadata->first);
  return found != line.metadata.end() && found->second == query.metadata->second;
}

}  // namespace

FakeStore::Book* FakeStore::Find(const std::string& book) {
  const auto found = books_.find(book);
  return found == books_.end() ? nullptr : &found->second;
}

bool FakeStore::Inspect(const std::string& book, const std::function<void(const Book&)>& read) {
  std::lock_guard lock(mutex_);
  const Book* kept = Find(book);
  if (kept != nullptr) read(*kept);
  return kept != nullptr;
}

Task<absl::Status> FakeStore::EnsureBook(std::string book, std::set<std::string> indexed_metadata) {
  std::lock_guard lock(mutex_);
  Book& kept = books_[book];
  for (const std::string& key : indexed_metadata) {
    kept.indexed_metadata.emplace(key, kept.loaded.state.last_sequence);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> FakeStore::HasBook(std::string book) {
  std::lock_guard lock(mutex_);
  co_return Find(book) != nullptr;
}

Task<absl::StatusOr<std::vector<std::string>>> FakeStore::ListBooks() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, unused] : books_) names.push_back(name);
  co_return names;
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::OpenAccounts(
    std::string book, std::vector<AccountTerms> accounts, absl::Time now) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  const Effects effects = ApplyBatch(kept->loaded, OpeningsOf(accounts), now);
  FLORIN_CO_RETURN_IF_ERROR(CheckOpenings(effects.outcomes));
  Keep(effects, *kept);
  std::vector<Account> opened;
  opened.reserve(accounts.size());
  for (const AccountTerms& terms : accounts) {
    opened.push_back(kept->loaded.accounts.at(terms.account_id));
  }
  co_return opened;
}

Task<absl::StatusOr<std::vector<Outcome>>> FakeStore::Commit(std::string book,
                                                             std::vector<Command> commands,
                                                             absl::Time now) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  Effects effects = ApplyBatch(kept->loaded, commands, now);
  Keep(effects, *kept);
  co_return std::move(effects.outcomes);
}

Task<absl::StatusOr<std::vector<Outcome>>> FakeStore::DryRun(std::string book,
                                                             std::vector<Command> commands,
                                                             absl::Time now) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  co_return ApplyBatch(kept->loaded, commands, now).outcomes;
}

Task<absl::StatusOr<std::vector<Uuid>>> FakeStore::ExpiredHolds(std::string book, absl::Time now,
                                                                int limit) {
  std::lock_guard lock(mutex_);
  Book* kept = Find(book);
  if (kept == nullptr) co_return BookNotFound();
  std::vector<std::pair<absl::Time, Uuid>> expired;
  for (const auto& [id, hold] : kept->loaded.holds) {
    if (hold.state == HoldState::kOpen && hold.expire_time <= now) {
      expired.emplace_back(hold.expire_time, id);
    }
  }
  std::sort(expired.begin(), expired.end());
  std::vector<Uuid> ids;
  for (const auto& [time, id] : expired) {
    if (static_cast<int>(ids.size()) < limit) ids.push_back(id);
  }
  co_return ids;
}

absl::StatusOr<const FakeStore::Book*> FakeStore::FindFor(const std::string& book,
                                                          std::int64_t at_least) {
  const Book* kept = Find(book);
  if (kept == nullptr) return BookNotFound();
  if (kept->loaded.state.last_sequence >= at_least) return kept;
  return Error(Reason::kSequenceNotReached, "this copy of the book is behind",
               {.metadata = {{"retry_after_ms", "50"}}});
}

Task<absl::StatusOr<std::int64_t>> FakeStore::LastSequence(std::string book) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, 0));
  co_return kept->loaded.state.last_sequence;
}

BookReader::Result<std::vector<Account>> FakeStore::GetAccounts(std::string book,
                                                                std::vector<Uuid> ids,
                                                                std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  Snapshot<std::vector<Account>> read{.value = {}, .sequence = kept->loaded.state.last_sequence};
  for (const Uuid& id : ids) {
    const auto account = kept->loaded.accounts.find(id);
    if (account != kept->loaded.accounts.end()) read.value.push_back(account->second);
  }
  co_return read;
}

BookReader::Result<std::vector<Balance>> FakeStore::GetBalances(std::string book,
                                                                std::vector<Uuid> ids, AsOf as_of,
                                                                std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  if (const auto* sequence = std::get_if<std::int64_t>(&as_of)) {
    at_least = std::max(at_least, *sequence);
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  Snapshot<std::vector<Balance>> read{.value = {}, .sequence = kept->loaded.state.last_sequence};
  for (const Uuid& id : ids) {
    if (!kept->loaded.accounts.contains(id)) continue;
    FLORIN_CO_ASSIGN_OR_RETURN(const Balance balance, BalanceOf(*kept, id, as_of));
    read.value.push_back(balance);
  }
  co_return read;
}

BookReader::Result<Statement> FakeStore::ListEntries(std::string book, EntryQuery query,
                                                     std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  const auto account = kept->loaded.accounts.find(query.account_id);
  if (account == kept->loaded.accounts.end()) {
    co_return Error(Reason::kAccountNotFound, "the book has no such account");
  }
  Statement statement{.account = account->second, .lines = {}, .next = {}};
  std::vector<StatementLine> lines = LinesInRange(*kept, query);
  const bool filters = !query.kinds.empty() || query.metadata;
  const auto most = static_cast<std::size_t>(query.scan_limit);
  if (filters && lines.size() > most) {
    lines.resize(most);
    statement.next = lines.back().entry.sequence;
  }
  std::erase_if(lines, [&query](const StatementLine& line) { return !Matches(query, line); });
  const auto limit = static_cast<std::size_t>(query.limit);
  if (lines.size() > limit) {
    lines.resize(limit);
    statement.next = lines.back().entry.sequence;
  }
  statement.lines = std::move(lines);
  co_return Snapshot<Statement>{std::move(statement), kept->loaded.state.last_sequence};
}

BookReader::Result<Decision> FakeStore::GetDecision(std::string book, Uuid transaction_id,
                                                    std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  const auto decision = kept->loaded.decisions.find(transaction_id);
  if (decision == kept->loaded.decisions.end()) {
    co_return Error(Reason::kTransactionNotFound, "nothing was decided under this id");
  }
  co_return Snapshot<Decision>{decision->second, kept->loaded.state.last_sequence};
}

BookReader::Result<std::vector<Decision>> FakeStore::GetDecisions(std::string book,
                                                                  std::vector<Uuid> transaction_ids,
                                                                  std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  std::vector<Decision> decisions;
  for (const Uuid& id : transaction_ids) {
    const auto decision = kept->loaded.decisions.find(id);
    if (decision != kept->loaded.decisions.end()) decisions.push_back(decision->second);
  }
  std::ranges::sort(decisions, {}, &Decision::sequence);
  co_return Snapshot<std::vector<Decision>>{std::move(decisions), kept->loaded.state.last_sequence};
}

BookReader::Result<std::vector<Decision>> FakeStore::DecisionsAfter(std::string book,
                                                                    std::int64_t after, int limit,
                                                                    std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  std::vector<Decision> decisions;
  const auto last = static_cast<std::int64_t>(kept->journal.size());
  for (std::int64_t i = after; i < std::min(last, after + limit); ++i) {
    decisions.push_back(kept->loaded.decisions.at(kept->journal[static_cast<std::size_t>(i)]));
  }
  co_return Snapshot<std::vector<Decision>>{std::move(decisions), kept->loaded.state.last_sequence};
}

BookReader::Result<FoundTransactions> FakeStore::FindTransactions(
    std::string book, std::string key, std::string value, std::optional<std::int64_t> before,
    int limit, std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  const auto indexed = kept->indexed_metadata.find(key);
  if (indexed == kept->indexed_metadata.end()) {
    co_return Error(Reason::kMetadataKeyNotIndexed, "the book does not index this key",
                    {.param = "metadata_key"});
  }
  Snapshot<FoundTransactions> found{.value = {}, .sequence = kept->loaded.state.last_sequence};
  std::vector<Decision>& decisions = found.value.decisions;
  for (auto id = kept->journal.rbegin(); id != kept->journal.rend(); ++id) {
    const Decision& decision = kept->loaded.decisions.at(*id);
    if (decision.sequence <= indexed->second) break;
    if (decision.commitment() == nullptr || (before && decision.sequence >= *before)) continue;
    const auto metadata = decision.command.metadata.find(key);
    if (metadata == decision.command.metadata.end() || metadata->second != value) continue;
    if (decisions.size() == static_cast<std::size_t>(limit)) {
      found.value.next = decisions.back().sequence;
      break;
    }
    decisions.push_back(decision);
  }
  co_return found;
}

BookReader::Result<std::map<std::string, CurrencyTotals>> FakeStore::GetTrialBalance(
    std::string book, std::int64_t at_least) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, at_least));
  Snapshot<std::map<std::string, CurrencyTotals>> totals{
      .value = {}, .sequence = kept->loaded.state.last_sequence};
  std::map<std::string, WideCounters> sums;
  for (const auto& [id, account] : kept->loaded.accounts) {
    const std::string currency(account.terms.currency.code());
    Add(account.counters, sums[currency]);
    ++totals.value[currency].accounts;
  }
  for (const auto& [currency, sum] : sums) {
    CurrencyTotals& total = totals.value[currency];
    total.debits_posted = DecimalOf(sum[0]);
    total.credits_posted = DecimalOf(sum[1]);
    total.debits_pending = DecimalOf(sum[2]);
    total.credits_pending = DecimalOf(sum[3]);
  }
  co_return totals;
}

BookReader::Result<News> FakeStore::EntriesAfter(std::string book, std::vector<Uuid> ids,
                                                 std::int64_t after, int limit) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const Book* const kept, FindFor(book, 0));
  Snapshot<News> read{.value = {}, .sequence = kept->loaded.state.last_sequence};
  News& news = read.value;
  news.complete = std::max(after, read.sequence);
  for (const Entry& entry : kept->entries) {
    if (entry.sequence <= after) continue;
    if (std::find(ids.begin(), ids.end(), entry.account_id) == ids.end()) continue;
    if (news.lines.size() == static_cast<std::size_t>(limit)) {
      news.more = true;
      news.complete = entry.sequence - 1;
      break;
    }
    news.lines.push_back(LineOf(*kept, entry));
  }
  std::erase_if(news.lines,
                [&news](const StatementLine& line) { return line.entry.sequence > news.complete; });
  // Entries of a transaction are kept in the order of its postings.
  std::sort(news.lines.begin(), news.lines.end(),
            [](const StatementLine& a, const StatementLine& b) {
              return std::pair(a.entry.sequence, a.entry.account_id) <
                     std::pair(b.entry.sequence, b.entry.account_id);
            });
  co_return read;
}

}  // namespace florin::ledger
