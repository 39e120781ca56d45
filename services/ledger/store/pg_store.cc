#include "services/ledger/store/pg_store.h"

#include <algorithm>
#include <utility>

#include "services/ledger/domain/posting_rules.h"
#include "services/ledger/store/opening.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

// Until a table has statistics, PostgreSQL takes `book = $1` for a condition that few rows meet,
// and may read a whole book where only keys were meant. So wherever two tables meet, the order is
// fixed: by OFFSET 0 below LATERAL, or by a book that comes from the joined rows; see Settings().
constexpr char kEnsureBook[] =
    "INSERT INTO books AS b (book, indexed_metadata) VALUES ($1, $2::text[]) "
    "ON CONFLICT (book) DO UPDATE SET indexed_metadata = b.indexed_metadata || ARRAY("
    "  SELECT key FROM unnest(excluded.indexed_metadata) AS k (key) "
    "  WHERE key <> ALL (b.indexed_metadata)) "
    "WHERE NOT b.indexed_metadata @> excluded.indexed_metadata";
constexpr char kHasBook[] = "SELECT 1 FROM books WHERE book = $1";
constexpr char kListBooks[] = "SELECT book FROM books ORDER BY book";
#define LEDGER_BOOK_COLUMNS \
  "last_sequence, micros(last_committed_at), micros(closed_until), indexed_metadata"
constexpr char kLockBook[] = "SELECT " LEDGER_BOOK_COLUMNS " FROM books WHERE book = $1 FOR UPDATE";
constexpr char kReadBook[] = "SELECT " LEDGER_BOOK_COLUMNS " FROM books WHERE book = $1";
constexpr char kGetAccounts[] =
    "SELECT a.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_ACCOUNT_COLUMNS
    "  FROM accounts WHERE book = $1 AND account_id = k.id OFFSET 0) AS a";
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
constexpr char kExpiredHolds[] =
    "SELECT hold_id FROM holds WHERE book = $1 AND state = 'open' AND expires_at <= at_micros($2) "
    "ORDER BY expires_at, hold_id LIMIT $3";
// What every batch writes. Gives the number of accounts updated.
constexpr char kWriteBatch[] =
    "WITH decided AS ("
    "  INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, effective_at, "
    "    expires_at, subject_id, debit_account_ids, credit_account_ids, amounts_minor, metadata, "
    "    request, reason, message, param) "
    "  SELECT $1, t.sequence, t.id, t.kind, at_micros(t.committed), at_micros(t.effective), "
    "    at_micros(t.expires), t.subject, t.debits::uuid[], t.credits::uuid[], "
    "    t.amounts::bigint[], jsonb_object(t.metadata::text[]), t.request::jsonb, t.reason, "
    "    t.message, t.param "
    "  FROM unnest($5::bigint[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[], "
    "    $10::bigint[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], "
    "    $16::text[], $17::text[], $18::text[], $19::text[]) "
    "    AS t (sequence, id, kind, committed, effective, expires, subject, debits, credits, "
    "      amounts, metadata, request, reason, message, param)), "
    "entered AS ("
    "  INSERT INTO entries (book, account_id, sequence, version, debit_minor, credit_minor, "
    "    debits_posted_after, credits_posted_after, debit_pending_minor, credit_pending_minor, "
    "    debits_pending_after, credits_pending_after, effective_at) "
    "  SELECT $1, e.account, e.sequence, e.version, e.debit, e.credit, e.debits_after, "
    "    e.credits_after, e.debit_pending, e.credit_pending, e.debits_pending_after, "
    "    e.credits_pending_after, at_micros(e.effective) "
    "  FROM unnest($20::uuid[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], "
    "    $25::bigint[], $26::bigint[], $27::bigint[], $28::bigint[], $29::bigint[], "
    "    $30::bigint[], $31::bigint[]) "
    "    AS e (account, sequence, version, debit, credit, debits_after, credits_after, "
    "      debit_pending, credit_pending, debits_pending_after, credits_pending_after, "
    "      effective)), "
    "counted AS ("
    "  UPDATE accounts SET debits_posted = a.debits, credits_posted = a.credits, "
    "    debits_pending = a.debits_pending, credits_pending = a.credits_pending, "
    "    version = a.version, closed = a.closed, credit_line_minor = a.line "
    "  FROM unnest(array_fill($1::text, ARRAY[cardinality($32::uuid[])]), $32::uuid[], "
    "    $33::bigint[], $34::bigint[], $35::bigint[], $36::bigint[], $37::bigint[], "
    "    $38::boolean[], $39::bigint[]) "
    "    AS a (book, id, debits, credits, debits_pending, credits_pending, version, closed, line) "
    "  WHERE accounts.book = a.book AND accounts.account_id = a.id RETURNING 1) "
    "UPDATE books SET last_sequence = $2, last_committed_at = at_micros($3), "
    "  closed_until = at_micros($4) WHERE book = $1 "
    "RETURNING (SELECT count(*) FROM counted)";
constexpr char kInsertAccounts[] =
    "INSERT INTO accounts (book, account_id, currency, normal_side, "
    "  debits_must_not_exceed_credits, credits_must_not_exceed_debits, credit_line_minor, "
    "  debits_posted, credits_posted, debits_pending, credits_pending, version, closed) "
    "SELECT $1, a.id, a.currency, a.side, a.debits_limited, a.credits_limited, a.line, a.debits, "
    "  a.credits, a.debits_pending, a.credits_pending, a.version, a.closed "
    "FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::bigint[], "
    "  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[]) "
    "  AS a (id, currency, side, debits_limited, credits_limited, line, debits, credits, "
    "    debits_pending, credits_pending, version, closed)";
constexpr char kInsertHolds[] =
    "INSERT INTO holds (book, hold_id, state, expires_at, debit_account_ids, credit_account_ids, "
    "  held_minor) "
    "SELECT $1, h.id, h.state, at_micros(h.expires), h.debits::uuid[], h.credits::uuid[], "
    "  h.held::bigint[] "
    "FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[]) "
    "  AS h (id, state, expires, debits, credits, held)";
constexpr char kUpdateHolds[] =
    "UPDATE holds SET state = h.state, held_minor = h.held::bigint[] "
    "FROM unnest(array_fill($1::text, ARRAY[cardinality($2::uuid[])]), $2::uuid[], $3::text[], "
    "  $4::text[]) AS h (book, id, state, held) "
    "WHERE holds.book = h.book AND holds.hold_id = h.id";
constexpr char kIndexMetadata[] =
    "INSERT INTO metadata_index (book, key, value, sequence) "
    "SELECT $1, m.key, m.value, m.sequence "
    "FROM unnest($2::text[], $3::text[], $4::bigint[]) AS m (key, value, sequence)";

absl::Status BookNotFound() {
  return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
}

// A book with what a batch needs, and the keys that it indexes.
struct OpenBook {
  LoadedBook loaded;
  std::vector<std::string> indexed_metadata;
};

absl::StatusOr<absl::flat_hash_map<Uuid, Account>> LoadAccounts(pqxx::transaction_base& transaction,
                                                                const std::string& book,
                                                                const std::vector<Uuid>& ids) {
  absl::flat_hash_map<Uuid, Account> accounts;
  if (ids.empty()) return accounts;
  for (const pqxx::row& row : transaction.exec_prepared("get_accounts", book, UuidsLiteral(ids))) {
    FLORIN_ASSIGN_OR_RETURN(const Account account, ReadAccount(row));
    accounts.emplace(account.terms.account_id, account);
  }
  return accounts;
}

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

// `locked` is the book's row, read by a statement of its own: only statements that start after the
// lock is had see what its last holder committed.
absl::StatusOr<OpenBook> Load(pqxx::transaction_base& transaction, const std::string& book,
                              const pqxx::result& locked, const std::vector<Command>& commands) {
  if (locked.empty()) return BookNotFound();
  OpenBook open;
  BookState& state = open.loaded.state;
  state.last_sequence = locked[0][0].as<std::int64_t>();
  state.last_commit_time = ReadTime(locked[0][1]);
  if (!locked[0][2].is_null()) state.closed_until = ReadTime(locked[0][2]);
  FLORIN_ASSIGN_OR_RETURN(open.indexed_metadata, pg::ParseArray(locked[0][3].c_str()));
  const References references = ReferencesOf(commands);
  FLORIN_RETURN_IF_ERROR(LoadDecisions(transaction, book, references.decisions, open.loaded));
  FLORIN_RETURN_IF_ERROR(LoadHolds(transaction, book, references.holds, open.loaded));
  FLORIN_RETURN_IF_ERROR(LoadReversals(transaction, book, references.reversed, open.loaded));
  FLORIN_ASSIGN_OR_RETURN(open.loaded.accounts,
                          LoadAccounts(transaction, book, AccountsOf(references, open.loaded)));
  return open;
}

absl::Status WriteBatch(pqxx::work& transaction, const std::string& book, const Effects& effects) {
  const JournalColumns j(effects.outcomes);
  const EntryColumns e(effects.entries, effects.outcomes);
  const AccountColumns a(effects.accounts);
  const absl::Time closed = effects.state.closed_until;
  const std::string until = std::to_string(Micros(closed));
  const pqxx::result updated = transaction.exec_prepared(
      "write_batch", book, effects.state.last_sequence, Micros(effects.state.last_commit_time),
      closed == absl::InfinitePast() ? nullptr : until.c_str(), j.sequences.literal(),
      j.ids.literal(), j.kinds.literal(), j.committed.literal(), j.effective.literal(),
      j.expires.literal(), j.subjects.literal(), j.postings.debits.literal(),
      j.postings.credits.literal(), j.postings.amounts.literal(), j.metadata.literal(),
      j.requests.literal(), j.reasons.literal(), j.messages.literal(), j.params.literal(),
      e.accounts.literal(), e.sequences.literal(), e.versions.literal(), e.debits.literal(),
      e.credits.literal(), e.debits_after.literal(), e.credits_after.literal(),
      e.debits_pending.literal(), e.credits_pending.literal(), e.debits_pending_after.literal(),
      e.credits_pending_after.literal(), e.effective.literal(), a.ids.literal(), a.debits.literal(),
      a.credits.literal(), a.debits_pending.literal(), a.credits_pending.literal(),
      a.versions.literal(), a.closed.literal(), a.lines.literal());
  if (updated.size() != 1 || updated[0][0].as<std::size_t>() != effects.accounts.size()) {
    return Error(Reason::kInternal, "accounts vanished while their book was locked");
  }
  return absl::OkStatus();
}

void InsertAccounts(pqxx::work& transaction, const std::string& book,
                    const std::vector<Account>& opened) {
  if (opened.empty()) return;
  const AccountColumns a(opened);
  transaction.exec_prepared("insert_accounts", book, a.ids.literal(), a.currencies.literal(),
                            a.sides.literal(), a.debits_limited.literal(),
                            a.credits_limited.literal(), a.lines.literal(), a.debits.literal(),
                            a.credits.literal(), a.debits_pending.literal(),
                            a.credits_pending.literal(), a.versions.literal(), a.closed.literal());
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

absl::Status Write(pqxx::work& transaction, const std::string& book, const OpenBook& open,
                   const Effects& effects) {
  if (std::none_of(effects.outcomes.begin(), effects.outcomes.end(), IsNewDecision)) {
    return absl::OkStatus();
  }
  InsertAccounts(transaction, book, effects.opened);
  FLORIN_RETURN_IF_ERROR(WriteBatch(transaction, book, effects));
  WriteHolds(transaction, book, effects);
  IndexMetadata(transaction, book, open.indexed_metadata, effects.outcomes);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Outcome>> CommitBatch(pqxx::work& transaction, const std::string& book,
                                                 const std::vector<Command>& commands,
                                                 absl::Time now) {
  const pqxx::result locked = transaction.exec_prepared("lock_book", book);
  FLORIN_ASSIGN_OR_RETURN(OpenBook open, Load(transaction, book, locked, commands));
  Effects effects = ApplyBatch(std::move(open.loaded), commands, now);
  FLORIN_RETURN_IF_ERROR(Write(transaction, book, open, effects));
  return std::move(effects.outcomes);
}

absl::StatusOr<std::vector<Account>> Open(pqxx::work& transaction, const std::string& book,
                                          const std::vector<AccountTerms>& accounts,
                                          absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Outcome> outcomes,
                          CommitBatch(transaction, book, OpeningsOf(accounts), now));
  FLORIN_RETURN_IF_ERROR(CheckOpenings(outcomes));
  std::vector<Uuid> ids;
  ids.reserve(accounts.size());
  for (const AccountTerms& terms : accounts) ids.push_back(terms.account_id);
  FLORIN_ASSIGN_OR_RETURN(const auto found, LoadAccounts(transaction, book, ids));
  std::vector<Account> opened;
  opened.reserve(ids.size());
  for (const Uuid& id : ids) opened.push_back(found.at(id));
  return opened;
}

}  // namespace

std::vector<std::string> PgStore::Settings() {
  return {"enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off"};
}

std::vector<pg::Statement> PgStore::Statements() {
  return {{"ensure_book", kEnsureBook},      {"has_book", kHasBook},
          {"list_books", kListBooks},        {"lock_book", kLockBook},
          {"read_book", kReadBook},          {"get_accounts", kGetAccounts},
          {"get_decisions", kGetDecisions},  {"get_holds", kGetHolds},
          {"get_reversals", kGetReversals},  {"expired_holds", kExpiredHolds},
          {"write_batch", kWriteBatch},      {"insert_accounts", kInsertAccounts},
          {"insert_holds", kInsertHolds},    {"update_holds", kUpdateHolds},
          {"index_metadata", kIndexMetadata}};
}

Task<absl::Status> PgStore::EnsureBook(std::string book, std::set<std::string> indexed_metadata) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work = [&](pqxx::work& transaction) {
    pg::Array keys;
    for (const std::string& key : indexed_metadata) keys.Add(std::string_view(key));
    transaction.exec_prepared("ensure_book", book, keys.literal());
    return absl::StatusOr<bool>(true);
  };
  co_return (co_await pool_.Transact<bool>(std::move(work))).status();
}

Task<absl::StatusOr<bool>> PgStore::HasBook(std::string book) {
  std::function<absl::StatusOr<bool>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return !transaction.exec_prepared("has_book", book).empty();
      };
  co_return co_await pool_.Read<bool>(std::move(work));
}

Task<absl::StatusOr<std::vector<std::string>>> PgStore::ListBooks() {
  std::function<absl::StatusOr<std::vector<std::string>>(pqxx::transaction_base&)> work =
      [](pqxx::transaction_base& transaction) {
        std::vector<std::string> names;
        for (const pqxx::row& row : transaction.exec_prepared("list_books")) {
          names.emplace_back(row[0].c_str());
        }
        return names;
      };
  co_return co_await pool_.Read<std::vector<std::string>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::OpenAccounts(std::string book,
                                                                 std::vector<AccountTerms> accounts,
                                                                 absl::Time now) {
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) { return Open(transaction, book, accounts, now); };
  co_return co_await pool_.Transact<std::vector<Account>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Outcome>>> PgStore::Commit(std::string book,
                                                           std::vector<Command> commands,
                                                           absl::Time now) {
  std::function<absl::StatusOr<std::vector<Outcome>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) { return CommitBatch(transaction, book, commands, now); };
  co_return co_await pool_.Transact<std::vector<Outcome>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Outcome>>> PgStore::DryRun(std::string book,
                                                           std::vector<Command> commands,
                                                           absl::Time now) {
  std::function<absl::StatusOr<std::vector<Outcome>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Outcome>> {
    const pqxx::result row = transaction.exec_prepared("read_book", book);
    FLORIN_ASSIGN_OR_RETURN(OpenBook open, Load(transaction, book, row, commands));
    return ApplyBatch(std::move(open.loaded), commands, now).outcomes;
  };
  co_return co_await pool_.Read<std::vector<Outcome>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Uuid>>> PgStore::ExpiredHolds(std::string book, absl::Time now,
                                                              int limit) {
  std::function<absl::StatusOr<std::vector<Uuid>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Uuid>> {
    if (transaction.exec_prepared("has_book", book).empty()) return BookNotFound();
    std::vector<Uuid> ids;
    for (const pqxx::row& row :
         transaction.exec_prepared("expired_holds", book, Micros(now), limit)) {
      FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
      ids.push_back(id);
    }
    return ids;
  };
  co_return co_await pool_.Read<std::vector<Uuid>>(std::move(work));
}

}  // namespace florin::ledger
