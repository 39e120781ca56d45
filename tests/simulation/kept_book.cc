#include "tests/simulation/kept_book.h"

#include <algorithm>
#include <utility>

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "services/ledger/store/rows.h"
#include "tests/simulation/describe.h"

namespace florin::simulation {
namespace {

using Complaint = std::optional<std::string>;
using Wide = __int128;

// ---- PostgreSQL

template <class... Arguments>
pqxx::result Rows(pqxx::transaction_base& transaction, const std::string& sql,
                  const Arguments&... arguments) {
  return transaction.exec_params(sql, arguments...);
}

void ReadState(pqxx::transaction_base& transaction, const std::string& book, KeptBook& kept) {
  const pqxx::result rows =
      Rows(transaction,
           "SELECT last_sequence, micros(last_committed_at), micros(closed_until) FROM books "
           "WHERE book = $1",
           book);
  FLORIN_CHECK(rows.size() == 1, "the simulated book is kept");
  kept.state.last_sequence = rows[0][0].as<std::int64_t>();
  kept.state.last_commit_time = ledger::ReadTime(rows[0][1]);
  if (!rows[0][2].is_null()) kept.state.closed_until = ledger::ReadTime(rows[0][2]);
}

void ReadJournal(pqxx::transaction_base& transaction, const std::string& book, KeptBook& kept) {
  for (const pqxx::row& row :
       Rows(transaction,
            "SELECT " LEDGER_JOURNAL_COLUMNS " FROM journal WHERE book = $1 ORDER BY sequence",
            book)) {
    kept.journal.push_back(ledger::ReadDecision(row).value());
  }
}

void ReadEntries(pqxx::transaction_base& transaction, const std::string& book, KeptBook& kept) {
  for (const pqxx::row& row :
       Rows(transaction,
            "SELECT " LEDGER_ENTRY_COLUMNS
            ", e.account_id, micros(e.effective_at), micros(j.effective_at) "
            "FROM entries e LEFT JOIN journal j ON j.book = e.book AND j.sequence = e.sequence "
            "WHERE e.book = $1 ORDER BY e.sequence, e.account_id",
            book)) {
    const Uuid id = Uuid::Parse(row[ledger::kEntryColumns].c_str()).value();
    const std::string dated = row[ledger::kEntryColumns + 1].c_str();
    FLORIN_CHECK(dated == row[ledger::kEntryColumns + 2].c_str(),
                 "an entry is dated as its transaction is");
    kept.entries[id].push_back(ledger::ReadEntry(id, row));
  }
}

void ReadStanding(pqxx::transaction_base& transaction, const std::string& book, KeptBook& kept) {
  for (const pqxx::row& row :
       Rows(transaction,
            "SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNTS_OF("$1") "WHERE a.book = $1",
            book)) {
    const ledger::Account account = ledger::ReadAccount(row).value();
    kept.accounts.emplace(account.terms.account_id, account);
  }
  for (const pqxx::row& row :
       Rows(transaction, "SELECT " LEDGER_HOLD_COLUMNS " FROM holds WHERE book = $1", book)) {
    const ledger::Hold hold = ledger::ReadHold(row).value();
    kept.holds.emplace(hold.hold_id, hold);
  }
  kept.index.emplace();
  for (const pqxx::row& row :
       Rows(transaction, "SELECT key, value, sequence FROM metadata_index WHERE book = $1", book)) {
    kept.index->emplace(row[0].c_str(), row[1].c_str(), row[2].as<std::int64_t>());
  }
}

// ---- Comparison

// The first key that only one of two maps has, or whose values differ.
template <class Value, class Expected, class Text>
Complaint Differ(const char* what, const std::map<Uuid, Value>& kept,
                 const std::map<Uuid, Expected>& expected, const Text& text) {
  for (const auto& [id, value] : expected) {
    const auto found = kept.find(id);
    if (found == kept.end()) return absl::StrCat(what, " missing: ", text(value));
    if (found->second == value) continue;
    return absl::StrCat(what, " differs:\n  kept      ", text(found->second), "\n  reference ",
                        text(value));
  }
  for (const auto& [id, value] : kept) {
    if (!expected.contains(id)) return absl::StrCat(what, " too many: ", text(value));
  }
  return {};
}

std::string TextOf(const std::vector<ledger::Entry>& entries) {
  std::string text;
  for (const ledger::Entry& entry : entries) absl::StrAppend(&text, "\n    ", Describe(entry));
  return text;
}

Complaint JournalDiffers(const KeptBook& kept, const ReferenceBook& reference) {
  for (std::size_t i = 0; i < reference.journal.size(); ++i) {
    if (i == kept.journal.size()) {
      return "decision missing: " + Describe(reference.journal[i].outcome);
    }
    const ledger::Outcome outcome{.decision = kept.journal[i]};
    if (Agree(reference.journal[i], outcome)) continue;
    return absl::StrCat("decision differs:\n  kept      ", Describe(outcome), "\n  reference ",
                        Describe(reference.journal[i].outcome));
  }
  if (kept.journal.size() == reference.journal.size()) return {};
  return absl::StrCat("the journal has ", kept.journal.size(), " decisions, the reference ",
                      reference.journal.size());
}

Complaint StateDiffers(const KeptBook& kept, const ReferenceBook& reference) {
  const ledger::BookState state{
      .last_sequence = static_cast<std::int64_t>(reference.journal.size()),
      .last_commit_time = reference.LastCommitTime(),
      .closed_until = reference.closed_until};
  if (kept.state == state) return {};
  return absl::StrCat("the book stands at #", kept.state.last_sequence, " ",
                      Describe(kept.state.last_commit_time), " closed until ",
                      Describe(kept.state.closed_until), ", the reference at #",
                      state.last_sequence, " ", Describe(state.last_commit_time), " closed until ",
                      Describe(state.closed_until));
}

Complaint IndexDiffers(const KeptBook& kept, const ReferenceBook& reference,
                       const std::set<std::string>& keys) {
  if (!kept.index) return {};
  std::set<std::tuple<std::string, std::string, std::int64_t>> expected;
  for (const Verdict& verdict : reference.journal) {
    const ledger::Decision& decision = verdict.outcome.decision;
    for (const auto& [key, value] : decision.command.metadata) {
      if (decision.commitment() == nullptr || !keys.contains(key)) continue;
      expected.emplace(key, value, decision.sequence);
    }
  }
  if (*kept.index == expected) return {};
  return absl::StrCat("the metadata index has ", kept.index->size(), " rows, the reference ",
                      expected.size(), ", or others");
}

// ---- Invariants

Complaint JournalIsBroken(const std::vector<ledger::Decision>& journal) {
  std::set<Uuid> ids;
  absl::Time last = absl::InfinitePast();
  std::int64_t sequence = 0;
  for (const ledger::Decision& decision : journal) {
    sequence += 1;
    if (decision.sequence != sequence) return absl::StrCat("a gap before #", decision.sequence);
    if (decision.commit_time <= last) return absl::StrCat("#", sequence, " is not after the last");
    last = decision.commit_time;
    if (!ids.insert(decision.command.transaction_id).second) {
      return "decided twice: " + Describe(decision.command.transaction_id);
    }
  }
  return {};
}

// The difference of debits and credits, posted and pending.
struct Imbalance {
  Wide posted = 0;
  Wide pending = 0;
  bool none() const { return posted == 0 && pending == 0; }
  void Add(const ledger::Counters& counters) {
    posted += static_cast<Wide>(counters.debits_posted) - counters.credits_posted;
    pending += static_cast<Wide>(counters.debits_pending) - counters.credits_pending;
  }
};

Complaint DoesNotBalance(const KeptBook& kept) {
  std::map<std::pair<std::int64_t, Currency>, Imbalance> commits;
  std::map<Currency, Imbalance> book;
  for (const auto& [id, account] : kept.accounts) {
    const Currency currency = account.terms.currency;
    book[currency].Add(account.counters);
    const auto entries = kept.entries.find(id);
    if (entries == kept.entries.end()) continue;
    for (const ledger::Entry& entry : entries->second) {
      commits[{entry.sequence, currency}].Add(entry.change);
    }
  }
  for (const auto& [commit, imbalance] : commits) {
    if (!imbalance.none()) return absl::StrCat("#", commit.first, " does not balance");
  }
  for (const auto& [currency, imbalance] : book) {
    if (!imbalance.none()) return absl::StrCat(std::string(currency.code()), " does not balance");
  }
  return {};
}

bool PassesLimit(const ledger::AccountTerms& terms, std::int64_t credit_line_minor,
                 const ledger::Counters& after) {
  const Wide debits = static_cast<Wide>(after.debits_posted) + after.debits_pending;
  const Wide credits = static_cast<Wide>(after.credits_posted) + after.credits_pending;
  if (terms.debits_must_not_exceed_credits &&
      debits > static_cast<Wide>(after.credits_posted) + credit_line_minor) {
    return true;
  }
  return terms.credits_must_not_exceed_debits && credits > after.debits_posted;
}

// The credit lines of an account: from which sequence on, how much.
std::map<std::int64_t, std::int64_t> CreditLinesOf(const Uuid& account, const KeptBook& kept) {
  std::map<std::int64_t, std::int64_t> lines;
  for (const ledger::Decision& decision : kept.journal) {
    if (decision.commitment() == nullptr) continue;
    const auto* open = std::get_if<ledger::OpenAccount>(&decision.command.action);
    if (open != nullptr && open->terms.account_id == account) {
      lines[decision.sequence] = open->terms.credit_line_minor;
    }
    const auto* line = std::get_if<ledger::SetCreditLine>(&decision.command.action);
    if (line != nullptr && line->account_id == account) {
      lines[decision.sequence] = line->credit_line_minor;
    }
  }
  return lines;
}

// Walks the entries of each account: versions without gaps, counters that add up and are what the
// account has in the end, never negative, never beyond the limit in force.
Complaint AccountIsBroken(const ledger::Account& account, const KeptBook& kept) {
  const Uuid& id = account.terms.account_id;
  const std::map<std::int64_t, std::int64_t> lines = CreditLinesOf(id, kept);
  ledger::Counters sum;
  std::int64_t version = 0;
  const auto entries = kept.entries.find(id);
  if (entries != kept.entries.end()) {
    for (const ledger::Entry& entry : entries->second) {
      version += 1;
      sum.debits_posted += entry.change.debits_posted;
      sum.credits_posted += entry.change.credits_posted;
      sum.debits_pending += entry.change.debits_pending;
      sum.credits_pending += entry.change.credits_pending;
      const bool negative = std::min({sum.debits_posted, sum.credits_posted, sum.debits_pending,
                                      sum.credits_pending}) < 0;
      const auto line = lines.upper_bound(entry.sequence);
      const bool opened = line != lines.begin();
      if (!opened || negative || entry.version != version || entry.after != sum ||
          PassesLimit(account.terms, std::prev(line)->second, entry.after)) {
        return "an entry that cannot be: " + Describe(entry);
      }
    }
  }
  if (account.counters == sum && account.version == version) return {};
  return "not the sum of its entries: " + Describe(account);
}

}  // namespace

KeptBook ReadBook(ledger::FakeStore& store, const std::string& book) {
  KeptBook kept;
  const bool found = store.Inspect(book, [&kept](const ledger::FakeStore::Book& inside) {
    kept.state = inside.loaded.state;
    for (const Uuid& id : inside.journal) kept.journal.push_back(inside.loaded.decisions.at(id));
    kept.accounts.insert(inside.loaded.accounts.begin(), inside.loaded.accounts.end());
    kept.holds.insert(inside.loaded.holds.begin(), inside.loaded.holds.end());
    for (const ledger::Entry& entry : inside.entries) {
      kept.entries[entry.account_id].push_back(entry);
    }
  });
  FLORIN_CHECK(found, "the simulated book is kept");
  return kept;
}

KeptBook ReadBook(const std::string& conninfo, const std::string& book) {
  pqxx::connection connection(conninfo);
  pqxx::work transaction(connection);
  KeptBook kept;
  ReadState(transaction, book, kept);
  ReadJournal(transaction, book, kept);
  ReadEntries(transaction, book, kept);
  ReadStanding(transaction, book, kept);
  return kept;
}

std::optional<std::string> FirstDifference(const KeptBook& kept, const ReferenceBook& reference,
                                           const std::set<std::string>& indexed_metadata) {
  if (Complaint complaint = JournalDiffers(kept, reference)) return complaint;
  if (Complaint complaint = StateDiffers(kept, reference)) return complaint;
  std::map<Uuid, ledger::Account> accounts;
  std::map<Uuid, std::vector<ledger::Entry>> entries;
  for (const auto& [id, account] : reference.accounts) {
    accounts.emplace(id, reference.AccountNow(id));
    if (!account.entries.empty()) entries.emplace(id, account.entries);
  }
  const auto text_of = [](const auto& value) { return Describe(value); };
  const auto text_of_all = [](const auto& list) { return TextOf(list); };
  if (Complaint complaint = Differ("entries", kept.entries, entries, text_of_all)) return complaint;
  if (Complaint complaint = Differ("account", kept.accounts, accounts, text_of)) return complaint;
  if (Complaint complaint = Differ("hold", kept.holds, reference.holds, text_of)) return complaint;
  return IndexDiffers(kept, reference, indexed_metadata);
}

std::optional<std::string> BrokenInvariant(const KeptBook& kept) {
  if (Complaint complaint = JournalIsBroken(kept.journal)) return "invariant 3: " + *complaint;
  if (Complaint complaint = DoesNotBalance(kept)) return "invariant 1: " + *complaint;
  for (const auto& [id, account] : kept.accounts) {
    if (Complaint complaint = AccountIsBroken(account, kept)) return "invariant 4: " + *complaint;
  }
  return {};
}

bool Agree(const Verdict& verdict, const ledger::Outcome& outcome) {
  const ledger::Decision& expected = verdict.outcome.decision;
  const ledger::Decision& decision = outcome.decision;
  if (outcome.replayed != verdict.outcome.replayed || decision.sequence != expected.sequence ||
      !(decision.command == expected.command)) {
    return false;
  }
  if (expected.sequence > 0 && decision.commit_time != expected.commit_time) return false;
  const ledger::Refusal* refusal = decision.refusal();
  const ledger::Refusal* wanted = expected.refusal();
  if ((refusal == nullptr) != (wanted == nullptr)) return false;
  if (refusal == nullptr) return *decision.commitment() == *expected.commitment();
  const bool named = verdict.params.empty() ||
                     std::find(verdict.params.begin(), verdict.params.end(), refusal->param) !=
                         verdict.params.end();
  return refusal->reason == wanted->reason && refusal->remembered == wanted->remembered && named;
}

}  // namespace florin::simulation
