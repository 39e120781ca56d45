#include "services/ledger/store/pg_batch.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "libs/pg/array.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/store/inserts.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

// Until a table has statistics, PostgreSQL takes `book = $1` for a condition that few rows meet,
// and may read a whole book where only keys were meant. So wherever two tables meet, the order is
// fixed: by OFFSET 0 below LATERAL, or by a book that comes from the joined rows; see Settings().
#define LEDGER_BOOK_COLUMNS \
  "last_sequence, micros(last_committed_at), micros(closed_until), indexed_metadata, last_batch"
constexpr char kLockBook[] = "SELECT " LEDGER_BOOK_COLUMNS " FROM books WHERE book = $1 FOR UPDATE";
constexpr char kReadBook[] = "SELECT " LEDGER_BOOK_COLUMNS " FROM books WHERE book = $1";
constexpr char kGetAccounts[] =
    "SELECT a.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_ACCOUNT_COLUMNS
    " FROM " LEDGER_ACCOUNTS_OF("$1") "  WHERE a.book = $1 AND a.account_id = k.id OFFSET 0) AS a";
constexpr char kGetDecisions[] =
    "SELECT d.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_JOURNAL_COLUMNS
    "  FROM journal WHERE book = $1 AND transaction_id = k.id OFFSET 0) AS d";
constexpr char kGetHolds[] =
    "SELECT h.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_HOLD_COLUMNS
    "  FROM holds WHERE book = $1 AND hold_id = k.id OFFSET 0) AS h";
// The transaction, and the number of its posting that was reversed: null for all.
constexpr char kGetReversals[] =
    "SELECT r.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT subject_id, (request->>'posting')::bigint FROM journal "
    "  WHERE book = $1 AND subject_id = k.id AND kind = 'reversal' AND reason IS NULL OFFSET 0) "
    "AS r";
constexpr char kUpdateBook[] =
    "UPDATE books SET last_sequence = $2, last_committed_at = at_micros($3), "
    "  closed_until = at_micros($4), last_batch = $5 WHERE book = $1";
constexpr char kUpdateAccounts[] =
    "UPDATE accounts SET credit_line_minor = a.line, closed = a.closed, "
    "  frozen_debits = a.frozen_debits, frozen_credits = a.frozen_credits "
    "FROM unnest(array_fill($1::text, ARRAY[cardinality($2::uuid[])]), $2::uuid[], $3::bigint[], "
    "  $4::boolean[], $5::boolean[], $6::boolean[]) "
    "  AS a (book, id, line, closed, frozen_debits, frozen_credits) "
    "WHERE accounts.book = a.book AND accounts.account_id = a.id";
constexpr char kUpdateHolds[] =
    "UPDATE holds SET state = h.state, held_minor = h.held::bigint[] "
    "FROM unnest(array_fill($1::text, ARRAY[cardinality($2::uuid[])]), $2::uuid[], $3::text[], "
    "  $4::text[]) AS h (book, id, state, held) "
    "WHERE holds.book = h.book AND holds.hold_id = h.id";
constexpr char kIndexMetadata[] =
    "INSERT INTO metadata_index (book, key, value, sequence) "
    "SELECT $1, m.key, m.value, m.sequence "
    "FROM unnest($2::text[], $3::text[], $4::bigint[]) AS m (key, value, sequence)";

absl::Status LoadDecisions(pqxx::transaction_base& transaction, const std::string& book,
                           const std::vector<Uuid>& ids, LoadedBook& loaded) {
  for (const pqxx::row& row : transaction.exec_prepared("get_decisions", book, UuidsLiteral(ids))) {
    FLORIN_ASSIGN_OR_RETURN(Decision decision, ReadDecision(row));
    const Uuid id = decision.command.transaction_id;
    loaded.decisions.emplace(id, std::move(decision));
  }
  return absl::OkStatus();
}

absl::Status LoadHolds(pqxx::transaction_base& transaction, const std::string& book,
                       const std::vector<Uuid>& ids, LoadedBook& loaded) {
  if (ids.empty()) return absl::OkStatus();
  for (const pqxx::row& row : transaction.exec_prepared("get_holds", book, UuidsLiteral(ids))) {
    FLORIN_ASSIGN_OR_RETURN(Hold hold, ReadHold(row));
    const Uuid id = hold.hold_id;
    loaded.holds.emplace(id, std::move(hold));
  }
  return absl::OkStatus();
}

absl::Status LoadReversals(pqxx::transaction_base& transaction, const std::string& book,
                           const std::vector<Uuid>& ids, LoadedBook& loaded) {
  if (ids.empty()) return absl::OkStatus();
  for (const pqxx::row& row : transaction.exec_prepared("get_reversals", book, UuidsLiteral(ids))) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
    std::set<std::int64_t>& reversed = loaded.reversed[id];
    if (!row[1].is_null()) {
      reversed.insert(row[1].as<std::int64_t>());
      continue;
    }
    const std::size_t count = loaded.decisions.at(id).commitment()->postings.size();
    for (std::size_t i = 0; i < count; ++i) reversed.insert(static_cast<std::int64_t>(i));
  }
  return absl::OkStatus();
}

// The accounts that are known of a book, and were read of it, among `ids`.
KnownBook::Accounts Among(const std::vector<Uuid>& ids, const KnownBook::Accounts& known,
                          const KnownBook::Accounts& read) {
  KnownBook::Accounts accounts;
  accounts.reserve(ids.size());
  for (const Uuid& id : ids) {
    for (const KnownBook::Accounts* source : {&known, &read}) {
      const auto found = source->find(id);
      if (found == source->end()) continue;
      accounts.insert(*found);
      break;
    }
  }
  return accounts;
}

std::vector<Uuid> NotAmong(const KnownBook::Accounts& known, const std::vector<Uuid>& ids) {
  std::vector<Uuid> others;
  for (const Uuid& id : ids) {
    if (!known.contains(id)) others.push_back(id);
  }
  return others;
}

// All zeros of a book that has had none.
absl::StatusOr<Uuid> LastBatch(const pqxx::row& book) {
  return book[4].is_null() ? Uuid() : Uuid::Parse(book[4].c_str());
}

BookState ReadState(const pqxx::row& book) {
  BookState state{.last_sequence = book[0].as<std::int64_t>(),
                  .last_commit_time = ReadTime(book[1])};
  if (!book[2].is_null()) state.closed_until = ReadTime(book[2]);
  return state;
}

// What a batch needs of its book, whose row is `row`; known accounts are not read. The row was read
// by a statement of its own: only statements that start after the lock is had see what its last
// holder committed.
absl::StatusOr<LoadedBook> Load(pqxx::transaction_base& transaction, const std::string& book,
                                const pqxx::row& row, const References& references,
                                const KnownBook::Accounts& known) {
  LoadedBook loaded;
  loaded.state = ReadState(row);
  FLORIN_RETURN_IF_ERROR(LoadDecisions(transaction, book, references.decisions, loaded));
  FLORIN_RETURN_IF_ERROR(LoadHolds(transaction, book, references.holds, loaded));
  FLORIN_RETURN_IF_ERROR(LoadReversals(transaction, book, references.reversed, loaded));
  const std::vector<Uuid> ids = AccountsOf(references, loaded);
  FLORIN_ASSIGN_OR_RETURN(const KnownBook::Accounts read,
                          LoadAccounts(transaction, book, NotAmong(known, ids)));
  loaded.accounts = Among(ids, known, read);
  return loaded;
}

// What was read of a book without its lock.
struct Preview {
  Uuid last_batch;  // Of the book not later than anything else here.
  LoadedBook loaded;
};

// Reads what a batch needs before its turn has come. Nothing where that can't be.
absl::StatusOr<std::optional<Preview>> ReadAhead(pqxx::work& transaction, KnownBook& known,
                                                 const std::string& book,
                                                 const References& references) {
  if (known.callers() < 2) return std::optional<Preview>();  // Its turn is now.
  if (!references.holds.empty() || !references.reversed.empty()) return std::optional<Preview>();
  const pqxx::result rows = transaction.exec_prepared("read_book", book);
  if (rows.empty()) return std::optional<Preview>();
  Preview preview;
  FLORIN_ASSIGN_OR_RETURN(preview.last_batch, LastBatch(rows[0]));
  std::vector<Uuid> unknown;
  {
    std::lock_guard turn(known.turn());
    unknown = NotAmong(known.accounts(), references.accounts);
  }
  FLORIN_RETURN_IF_ERROR(LoadDecisions(transaction, book, references.decisions, preview.loaded));
  FLORIN_ASSIGN_OR_RETURN(preview.loaded.accounts, LoadAccounts(transaction, book, unknown));
  return std::optional(std::move(preview));
}

// The effects of a batch on the book as its last batch leaves it, whether that is committed already
// or not. Nothing if what was read may not be true any more.
std::optional<Effects> DecideAhead(const KnownBook& known, Preview preview,
                                   const References& references,
                                   const std::vector<Command>& commands, absl::Time now) {
  if (!known.StillTrue(preview.last_batch, references.decisions)) return std::nullopt;
  LoadedBook& loaded = preview.loaded;
  loaded.state = known.state();
  loaded.accounts = Among(references.accounts, known.accounts(), loaded.accounts);
  return ApplyBatch(std::move(loaded), commands, now);
}

void InsertAccounts(pqxx::work& transaction, const std::string& book,
                    const std::vector<Account>& opened) {
  if (opened.empty()) return;
  const AccountColumns a(opened);
  transaction.exec_prepared("insert_accounts", book, a.ids.literal(), a.currencies.literal(),
                            a.sides.literal(), a.debits_limited.literal(),
                            a.credits_limited.literal(), a.lines.literal(), a.closed.literal(),
                            a.frozen_debits.literal(), a.frozen_credits.literal());
}

// What commands about accounts have changed; counters are those of the entries.
void UpdateAccounts(pqxx::work& transaction, const std::string& book, const Effects& effects) {
  std::set<Uuid> named;
  for (const Outcome& outcome : effects.outcomes) {
    const Uuid* id = AccountOf(outcome.decision.command.action);
    if (id != nullptr) named.insert(*id);
  }
  std::vector<Account> changed;
  for (const Account& account : effects.accounts) {
    if (named.contains(account.terms.account_id)) changed.push_back(account);
  }
  if (changed.empty()) return;
  const AccountColumns a(changed);
  transaction.exec_prepared("update_accounts", book, a.ids.literal(), a.lines.literal(),
                            a.closed.literal(), a.frozen_debits.literal(),
                            a.frozen_credits.literal());
}

void WriteHolds(pqxx::work& transaction, const std::string& book, const Effects& effects) {
  if (!effects.made.empty()) {
    const HoldColumns h(effects.made);
    transaction.exec_prepared("insert_holds", book, h.ids.literal(), h.states.literal(),
                              h.expires.literal(), h.postings.debits.literal(),
                              h.postings.credits.literal(), h.postings.amounts.literal());
  }
  if (!effects.holds.empty()) {
    const HoldColumns h(effects.holds);
    transaction.exec_prepared("update_holds", book, h.ids.literal(), h.states.literal(),
                              h.postings.amounts.literal());
  }
}

void IndexMetadata(pqxx::work& transaction, const std::string& book,
                   const std::vector<std::string>& keys, const std::vector<Outcome>& outcomes) {
  pg::Array found_keys, values, sequences;
  bool any = false;
  for (const Outcome& outcome : outcomes) {
    if (outcome.decision.commitment() == nullptr || !IsNewDecision(outcome)) continue;
    for (const std::string& key : keys) {
      const auto found = outcome.decision.command.metadata.find(key);
      if (found == outcome.decision.command.metadata.end()) continue;
      any = true;
      found_keys.Add(std::string_view(key));
      values.Add(std::string_view(found->second));
      sequences.Add(outcome.decision.sequence);
    }
  }
  if (!any) return;
  transaction.exec_prepared("index_metadata", book, found_keys.literal(), values.literal(),
                            sequences.literal());
}

void UpdateBook(pqxx::work& transaction, const std::string& book, const BookState& state,
                const Uuid& batch) {
  const bool closed = state.closed_until != absl::InfinitePast();
  const std::string until = closed ? std::to_string(Micros(state.closed_until)) : "";
  transaction.exec_prepared("update_book", book, state.last_sequence,
                            Micros(state.last_commit_time), closed ? until.c_str() : nullptr,
                            batch.ToString());
}

void Write(pqxx::work& transaction, const std::string& book, const Effects& effects,
           const Uuid& batch, const std::vector<std::string>& indexed) {
  InsertAccounts(transaction, book, effects.opened);
  UpdateAccounts(transaction, book, effects);
  CopyDecisions(transaction, book, effects.outcomes);
  CopyEntries(transaction, book, effects);
  WriteHolds(transaction, book, effects);
  IndexMetadata(transaction, book, indexed, effects.outcomes);
  UpdateBook(transaction, book, effects.state, batch);
}

}  // namespace

std::vector<pg::Statement> BatchStatements() {
  return {{"lock_book", kLockBook},
          {"read_book", kReadBook},
          {"get_accounts", kGetAccounts},
          {"get_decisions", kGetDecisions},
          {"get_holds", kGetHolds},
          {"get_reversals", kGetReversals},
          {"insert_accounts", kInsertAccounts},
          {"update_accounts", kUpdateAccounts},
          {"insert_holds", kInsertHolds},
          {"update_holds", kUpdateHolds},
          {"index_metadata", kIndexMetadata},
          {"update_book", kUpdateBook}};
}

absl::StatusOr<KnownBook::Accounts> LoadAccounts(pqxx::transaction_base& transaction,
                                                 const std::string& book,
                                                 const std::vector<Uuid>& ids) {
  KnownBook::Accounts accounts;
  if (ids.empty()) return accounts;
  for (const pqxx::row& row : transaction.exec_prepared("get_accounts", book, UuidsLiteral(ids))) {
    FLORIN_ASSIGN_OR_RETURN(const Account account, ReadAccount(row));
    accounts.emplace(account.terms.account_id, account);
  }
  return accounts;
}

absl::StatusOr<std::vector<Outcome>> CommitBatch(pqxx::work& transaction, KnownBook& known,
                                                 const std::string& book,
                                                 const std::vector<Command>& commands,
                                                 absl::Time now) {
  const References references = ReferencesOf(commands);
  FLORIN_ASSIGN_OR_RETURN(std::optional<Preview> preview,
                          ReadAhead(transaction, known, book, references));
  std::unique_lock turn(known.turn());
  std::optional<Effects> effects;
  if (preview) effects = DecideAhead(known, *std::move(preview), references, commands, now);
  const pqxx::result locked = transaction.exec_prepared("lock_book", book);
  if (locked.empty()) return BookNotFound();
  FLORIN_ASSIGN_OR_RETURN(const Uuid last_batch, LastBatch(locked[0]));
  if (last_batch != known.last_batch()) {
    known.Forget();
    effects.reset();
  }
  if (!effects) {
    FLORIN_ASSIGN_OR_RETURN(LoadedBook loaded,
                            Load(transaction, book, locked[0], references, known.accounts()));
    effects = ApplyBatch(std::move(loaded), commands, now);
  }
  const std::vector<Outcome>& outcomes = effects->outcomes;
  if (std::none_of(outcomes.begin(), outcomes.end(), IsNewDecision)) {
    return std::move(effects->outcomes);
  }
  const Uuid batch = SystemIds().NewId();
  known.Add(batch, *effects);
  turn.unlock();
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> indexed,
                          pg::ParseArray(locked[0][3].c_str()));
  Write(transaction, book, *effects, batch, indexed);
  return std::move(effects->outcomes);
}

absl::StatusOr<std::vector<Outcome>> TryBatch(pqxx::transaction_base& transaction,
                                              const std::string& book,
                                              const std::vector<Command>& commands,
                                              absl::Time now) {
  const pqxx::result rows = transaction.exec_prepared("read_book", book);
  if (rows.empty()) return BookNotFound();
  FLORIN_ASSIGN_OR_RETURN(LoadedBook loaded,
                          Load(transaction, book, rows[0], ReferencesOf(commands), {}));
  return ApplyBatch(std::move(loaded), commands, now).outcomes;
}

}  // namespace florin::ledger
