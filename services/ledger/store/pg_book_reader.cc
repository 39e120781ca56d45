#include "services/ledger/store/pg_book_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

using Transaction = pqxx::transaction_base;

// See pg_store.cc for why the order of joins is fixed.
constexpr char kPosition[] = "SELECT last_sequence, indexed_metadata FROM books WHERE book = $1";
// One row at least, if there is such a book: with nulls if it has none of the accounts.
constexpr char kReadAccounts[] =
    "SELECT a.*, last_sequence FROM (SELECT last_sequence FROM books WHERE book = $1) AS b "
    "LEFT JOIN LATERAL ("
    "  SELECT a.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "    SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNTS_OF(
        "$1") "    WHERE a.book = $1 AND a.account_id = k.id OFFSET 0) AS a) AS a ON true";
constexpr int kPositionColumn = kAccountColumns;
// Binary search: of the decisions up to `low` all are committed at $2 or before, of those beyond
// `high` none is.
constexpr char kSequenceAt[] =
    "WITH RECURSIVE halves (low, high) AS ("
    "  SELECT 0::bigint, last_sequence FROM books WHERE book = $1 "
    "  UNION ALL "
    "  SELECT CASE WHEN j.early THEN s.middle ELSE s.low END, "
    "    CASE WHEN j.early THEN s.high ELSE s.middle - 1 END "
    "  FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM halves WHERE low < high) AS s "
    "  CROSS JOIN LATERAL (SELECT committed_at <= at_micros($2) AS early FROM journal "
    "    WHERE book = $1 AND sequence = s.middle OFFSET 0) AS j) "
    "SELECT low FROM halves WHERE low = high";
// After the last entry up to $3, and later ones dated $4 or before. Sums are numeric.
constexpr char kReadBalances[] =
    "SELECT a.account_id, a.currency, coalesce(e.version, 0) + d.entries, "
    "  (coalesce(e.debits_posted_after, 0) + d.debits)::text, "
    "  (coalesce(e.credits_posted_after, 0) + d.credits)::text, "
    "  (coalesce(e.debits_pending_after, 0) + d.debits_pending)::text, "
    "  (coalesce(e.credits_pending_after, 0) + d.credits_pending)::text "
    "FROM unnest($2::uuid[]) AS k (id) "
    "CROSS JOIN LATERAL (SELECT account_id, currency FROM accounts "
    "  WHERE book = $1 AND account_id = k.id OFFSET 0) AS a "
    "LEFT JOIN LATERAL (SELECT version, debits_posted_after, credits_posted_after, "
    "    debits_pending_after, credits_pending_after FROM entries "
    "  WHERE book = $1 AND account_id = k.id AND sequence <= $3 "
    "  ORDER BY sequence DESC LIMIT 1) AS e ON true "
    "CROSS JOIN LATERAL (SELECT count(*) AS entries, coalesce(sum(debit_minor), 0) AS debits, "
    "    coalesce(sum(credit_minor), 0) AS credits, "
    "    coalesce(sum(debit_pending_minor), 0) AS debits_pending, "
    "    coalesce(sum(credit_pending_minor), 0) AS credits_pending FROM entries "
    "  WHERE book = $1 AND account_id = k.id AND sequence > $3 "
    "    AND effective_at IS NOT NULL AND effective_at <= at_micros($4)) AS d";
// What a line has beside its entry, in the order of ReadLine.
#define LEDGER_LINE_COLUMNS                                                      \
  "j.transaction_id, j.kind, micros(coalesce(e.effective_at, j.committed_at)), " \
  "micros(j.committed_at), j.metadata"
#define LEDGER_LINE_OF_JOURNAL                                  \
  "SELECT transaction_id, kind, committed_at, " LEDGER_METADATA \
  " AS metadata FROM journal "                                  \
  "WHERE book = $1 AND sequence = e.sequence "
#define LEDGER_LIST_ENTRIES(order)                                                   \
  "SELECT " LEDGER_ENTRY_COLUMNS ", " LEDGER_LINE_COLUMNS                            \
  " FROM entries AS e CROSS JOIN LATERAL (" LEDGER_LINE_OF_JOURNAL                   \
  "  AND ($5::text[] IS NULL OR kind = ANY ($5::text[])) "                           \
  "  AND ($6::text IS NULL OR metadata->>($6::text) = $7::text) OFFSET 0) AS j "     \
  "WHERE e.book = $1 AND e.account_id = $2 AND e.sequence > $3 AND e.sequence < $4 " \
  "ORDER BY e.sequence " order " LIMIT $8"
// The last entry of a window of $5 + 1, and the first beyond it.
#define LEDGER_END_OF_WINDOW(order)                                          \
  "SELECT sequence FROM entries "                                            \
  "WHERE book = $1 AND account_id = $2 AND sequence > $3 AND sequence < $4 " \
  "ORDER BY sequence " order " LIMIT 2 OFFSET $5"
constexpr char kReadDecision[] =
    "SELECT " LEDGER_JOURNAL_COLUMNS " FROM journal WHERE book = $1 AND transaction_id = $2";
constexpr char kReadDecisions[] =
    "SELECT d.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_JOURNAL_COLUMNS
    "  FROM journal WHERE book = $1 AND transaction_id = k.id OFFSET 0) AS d ORDER BY d.sequence";
constexpr char kDecisionsAfter[] =
    "SELECT " LEDGER_JOURNAL_COLUMNS
    " FROM journal WHERE book = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
constexpr char kFindTransactions[] =
    "SELECT d.* FROM metadata_index AS m CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_JOURNAL_COLUMNS
    "  FROM journal WHERE book = $1 AND sequence = m.sequence OFFSET 0) AS d "
    "WHERE m.book = $1 AND m.key = $2 AND m.value = $3 AND m.sequence < $4 "
    "ORDER BY m.sequence DESC LIMIT $5";
constexpr char kTrialBalance[] =
    "SELECT a.currency, coalesce(sum(e.debits_posted_after), 0)::text, "
    "  coalesce(sum(e.credits_posted_after), 0)::text, "
    "  coalesce(sum(e.debits_pending_after), 0)::text, "
    "  coalesce(sum(e.credits_pending_after), 0)::text, count(*) "
    "FROM " LEDGER_ACCOUNTS_OF("$1") "WHERE a.book = $1 GROUP BY a.currency";
constexpr char kEntriesAfter[] =
    "SELECT " LEDGER_ENTRY_COLUMNS ", " LEDGER_LINE_COLUMNS
    ", e.account_id FROM ("
    "  SELECT n.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "    SELECT account_id, version, sequence, debit_minor, credit_minor, debits_posted_after, "
    "      credits_posted_after, debit_pending_minor, credit_pending_minor, debits_pending_after, "
    "      credits_pending_after, effective_at FROM entries "
    "    WHERE book = $1 AND account_id = k.id AND sequence > $3 ORDER BY sequence LIMIT $4) AS n "
    "  ORDER BY n.sequence, n.account_id LIMIT $4) AS e "
    "CROSS JOIN LATERAL (" LEDGER_LINE_OF_JOURNAL
    " OFFSET 0) AS j ORDER BY e.sequence, e.account_id";

absl::Status CheckReached(std::int64_t sequence, std::int64_t at_least) {
  if (sequence >= at_least) return absl::OkStatus();
  return Error(Reason::kSequenceNotReached, "this copy of the book is behind",
               {.metadata = {{"retry_after_ms", "50"}}});
}

// The row of kPosition of a book that has come to `at_least`.
absl::StatusOr<pqxx::row> ReadPosition(Transaction& transaction, const std::string& book,
                                       std::int64_t at_least) {
  const pqxx::result rows = transaction.exec_prepared("reader_position", book);
  if (rows.empty()) return BookNotFound();
  FLORIN_RETURN_IF_ERROR(CheckReached(rows[0][0].as<std::int64_t>(), at_least));
  return rows[0];
}

absl::StatusOr<std::int64_t> ReadSequence(Transaction& transaction, const std::string& book,
                                          std::int64_t at_least) {
  FLORIN_ASSIGN_OR_RETURN(const pqxx::row position, ReadPosition(transaction, book, at_least));
  return position[0].as<std::int64_t>();
}

// The last decision that was committed at `time` or before; 0 if there is none.
absl::StatusOr<std::int64_t> SequenceAt(Transaction& transaction, const std::string& book,
                                        absl::Time time) {
  const pqxx::result found = transaction.exec_prepared("reader_sequence_at", book, Micros(time));
  if (found.empty()) return Error(Reason::kInternal, "the journal has a gap");
  return found[0][0].as<std::int64_t>();
}

// `rows` in the order of `ids`, without those that are not there.
template <class Value>
std::vector<Value> InOrder(const std::vector<Uuid>& ids,
                           const absl::flat_hash_map<Uuid, Value>& found) {
  std::vector<Value> values;
  for (const Uuid& id : ids) {
    if (const auto value = found.find(id); value != found.end()) values.push_back(value->second);
  }
  return values;
}

absl::StatusOr<Snapshot<std::vector<Account>>> ReadAccounts(Transaction& transaction,
                                                            const std::string& book,
                                                            const std::vector<Uuid>& ids,
                                                            std::int64_t at_least) {
  const pqxx::result rows = transaction.exec_prepared("reader_accounts", book, UuidsLiteral(ids));
  if (rows.empty()) return BookNotFound();
  const auto sequence = rows[0][kPositionColumn].as<std::int64_t>();
  FLORIN_RETURN_IF_ERROR(CheckReached(sequence, at_least));
  absl::flat_hash_map<Uuid, Account> found;
  for (const pqxx::row& row : rows) {
    if (row[0].is_null()) continue;
    FLORIN_ASSIGN_OR_RETURN(const Account account, ReadAccount(row));
    found.emplace(account.terms.account_id, account);
  }
  return Snapshot<std::vector<Account>>{InOrder(ids, found), sequence};
}

absl::StatusOr<Balance> ReadBalance(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[1].c_str()));
  Balance balance{
      .account_id = id, .currency = currency, .counters = {}, .version = row[2].as<std::int64_t>()};
  Counters& counters = balance.counters;
  int column = 3;
  for (std::int64_t* counter : {&counters.debits_posted, &counters.credits_posted,
                                &counters.debits_pending, &counters.credits_pending}) {
    if (!absl::SimpleAtoi(row[column++].c_str(), counter)) {
      return Error(Reason::kBalanceOverflow, "what was pending then does not fit 64 bits");
    }
  }
  return balance;
}

absl::StatusOr<Snapshot<std::vector<Balance>>> ReadBalances(Transaction& transaction,
                                                            const std::string& book,
                                                            const std::vector<Uuid>& ids,
                                                            const AsOf& as_of,
                                                            std::int64_t at_least) {
  std::int64_t until = 0;
  std::string dated;
  const auto* time = std::get_if<absl::Time>(&as_of);
  if (time == nullptr) until = std::get<std::int64_t>(as_of);
  FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence,
                          ReadSequence(transaction, book, std::max(at_least, until)));
  if (time != nullptr) {
    FLORIN_ASSIGN_OR_RETURN(until, SequenceAt(transaction, book, *time));
    dated = std::to_string(Micros(*time));
  }
  absl::flat_hash_map<Uuid, Balance> found;
  for (const pqxx::row& row :
       transaction.exec_prepared("reader_balances", book, UuidsLiteral(ids), until,
                                 time == nullptr ? nullptr : dated.c_str())) {
    FLORIN_ASSIGN_OR_RETURN(const Balance balance, ReadBalance(row));
    found.emplace(balance.account_id, balance);
  }
  return Snapshot<std::vector<Balance>>{InOrder(ids, found), sequence};
}

absl::StatusOr<StatementLine> ReadLine(const Uuid& account_id, const pqxx::row& row) {
  StatementLine line{.entry = ReadEntry(account_id, row),
                     .transaction_id = {},
                     .kind = row[kEntryColumns + 1].as<std::string>(),
                     .effective_time = ReadTime(row[kEntryColumns + 2]),
                     .commit_time = ReadTime(row[kEntryColumns + 3]),
                     .metadata = {}};
  FLORIN_ASSIGN_OR_RETURN(line.transaction_id, Uuid::Parse(row[kEntryColumns].c_str()));
  FLORIN_ASSIGN_OR_RETURN(line.metadata, ReadMetadata(row[kEntryColumns + 4]));
  return line;
}

// Sequences between two others, both exclusive.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
};

// Where the query's entries can be.
absl::StatusOr<Range> RangeOf(Transaction& transaction, const std::string& book,
                              const EntryQuery& query) {
  constexpr absl::Duration kTick = absl::Microseconds(1);
  Range range;
  if (query.from_commit_time) {
    FLORIN_ASSIGN_OR_RETURN(range.low,
                            SequenceAt(transaction, book, *query.from_commit_time - kTick));
  }
  if (query.until_commit_time) {
    FLORIN_ASSIGN_OR_RETURN(const std::int64_t last,
                            SequenceAt(transaction, book, *query.until_commit_time - kTick));
    range.high = last + 1;
  }
  if (query.beyond && query.oldest_first) range.low = std::max(range.low, *query.beyond);
  if (query.beyond && !query.oldest_first) range.high = std::min(range.high, *query.beyond);
  return range;
}

// Confines `range` to as many entries as may be looked at. Gives the last of them, if there are
// more.
std::optional<std::int64_t> CutToWindow(Transaction& transaction, const std::string& book,
                                        const EntryQuery& query, Range& range) {
  const char* statement = query.oldest_first ? "reader_window_up" : "reader_window_down";
  const pqxx::result end = transaction.exec_prepared(statement, book, query.account_id.ToString(),
                                                     range.low, range.high, query.scan_limit - 1);
  if (end.size() < 2) return std::nullopt;
  const auto last = end[0][0].as<std::int64_t>();
  if (query.oldest_first) {
    range.high = last + 1;
  } else {
    range.low = last - 1;
  }
  return last;
}

absl::StatusOr<std::vector<StatementLine>> ReadLines(Transaction& transaction,
                                                     const std::string& book,
                                                     const EntryQuery& query, const Range& range) {
  pg::Array kinds;
  for (const std::string& kind : query.kinds) kinds.Add(std::string_view(kind));
  const std::string wanted = kinds.literal();
  const char* statement = query.oldest_first ? "reader_entries_up" : "reader_entries_down";
  const pqxx::result rows = transaction.exec_prepared(
      statement, book, query.account_id.ToString(), range.low, range.high,
      query.kinds.empty() ? nullptr : wanted.c_str(),
      query.metadata ? query.metadata->first.c_str() : nullptr,
      query.metadata ? query.metadata->second.c_str() : nullptr, query.limit + 1);
  std::vector<StatementLine> lines;
  for (const pqxx::row& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(StatementLine line, ReadLine(query.account_id, row));
    lines.push_back(std::move(line));
  }
  return lines;
}

absl::StatusOr<Snapshot<Statement>> ReadStatement(Transaction& transaction, const std::string& book,
                                                  const EntryQuery& query, std::int64_t at_least) {
  FLORIN_ASSIGN_OR_RETURN(const auto account,
                          ReadAccounts(transaction, book, {query.account_id}, at_least));
  if (account.value.empty()) {
    return Error(Reason::kAccountNotFound, "the book has no such account");
  }
  FLORIN_ASSIGN_OR_RETURN(Range range, RangeOf(transaction, book, query));
  Statement statement{.account = account.value[0], .lines = {}, .next = {}};
  if (!query.kinds.empty() || query.metadata) {
    statement.next = CutToWindow(transaction, book, query, range);
  }
  FLORIN_ASSIGN_OR_RETURN(statement.lines, ReadLines(transaction, book, query, range));
  if (statement.lines.size() > static_cast<std::size_t>(query.limit)) {
    statement.lines.pop_back();
    statement.next = statement.lines.back().entry.sequence;
  }
  return Snapshot<Statement>{std::move(statement), account.sequence};
}

absl::StatusOr<Snapshot<Decision>> ReadDecisionOf(Transaction& transaction, const std::string& book,
                                                  const Uuid& transaction_id,
                                                  std::int64_t at_least) {
  FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence, ReadSequence(transaction, book, at_least));
  const pqxx::result rows =
      transaction.exec_prepared("reader_decision", book, transaction_id.ToString());
  if (rows.empty()) {
    return Error(Reason::kTransactionNotFound, "nothing was decided under this id");
  }
  FLORIN_ASSIGN_OR_RETURN(Decision decision, ReadDecision(rows[0]));
  return Snapshot<Decision>{std::move(decision), sequence};
}

absl::StatusOr<std::vector<Decision>> ReadDecisions(const pqxx::result& rows) {
  std::vector<Decision> decisions;
  decisions.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Decision decision, ReadDecision(row));
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

// What to find: committed transactions with this metadata before a sequence.
struct Search {
  std::string key;
  std::string value;
  std::int64_t before = 0;
  int limit = 0;
};

absl::StatusOr<Snapshot<FoundTransactions>> ReadFound(Transaction& transaction,
                                                      const std::string& book, const Search& search,
                                                      std::int64_t at_least) {
  FLORIN_ASSIGN_OR_RETURN(const pqxx::row position, ReadPosition(transaction, book, at_least));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> keys, pg::ParseArray(position[1].c_str()));
  if (std::find(keys.begin(), keys.end(), search.key) == keys.end()) {
    return Error(Reason::kMetadataKeyNotIndexed, "the book does not index this key",
                 {.param = "metadata_key"});
  }
  Snapshot<FoundTransactions> found{.value = {}, .sequence = position[0].as<std::int64_t>()};
  FLORIN_ASSIGN_OR_RETURN(
      std::vector<Decision> decisions,
      ReadDecisions(transaction.exec_prepared("reader_find", book, search.key, search.value,
                                              search.before, search.limit + 1)));
  if (decisions.size() > static_cast<std::size_t>(search.limit)) {
    decisions.pop_back();
    found.value.next = decisions.back().sequence;
  }
  found.value.decisions = std::move(decisions);
  return found;
}

using Totals = std::map<std::string, CurrencyTotals>;

absl::StatusOr<Snapshot<Totals>> ReadTotals(Transaction& transaction, const std::string& book,
                                            std::int64_t at_least) {
  FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence, ReadSequence(transaction, book, at_least));
  Snapshot<Totals> totals{.value = {}, .sequence = sequence};
  for (const pqxx::row& row : transaction.exec_prepared("reader_trial_balance", book)) {
    totals.value[row[0].c_str()] = {.debits_posted = row[1].c_str(),
                                    .credits_posted = row[2].c_str(),
                                    .debits_pending = row[3].c_str(),
                                    .credits_pending = row[4].c_str(),
                                    .accounts = row[5].as<std::int64_t>()};
  }
  return totals;
}

absl::StatusOr<Snapshot<News>> ReadNews(Transaction& transaction, const std::string& book,
                                        const std::vector<Uuid>& ids, std::int64_t after,
                                        int limit) {
  FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence, ReadSequence(transaction, book, 0));
  Snapshot<News> snapshot{.value = {}, .sequence = sequence};
  News& news = snapshot.value;
  for (const pqxx::row& row : transaction.exec_prepared("reader_entries_after", book,
                                                        UuidsLiteral(ids), after, limit + 1)) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid account_id, Uuid::Parse(row[kEntryColumns + 5].c_str()));
    FLORIN_ASSIGN_OR_RETURN(StatementLine line, ReadLine(account_id, row));
    news.lines.push_back(std::move(line));
  }
  news.complete = std::max(sequence, after);
  news.more = news.lines.size() > static_cast<std::size_t>(limit);
  if (!news.more) return snapshot;
  // Of the last transaction there may be entries that did not come.
  const std::int64_t cut = news.lines.back().entry.sequence;
  news.complete = cut - 1;
  std::erase_if(news.lines,
                [cut](const StatementLine& line) { return line.entry.sequence == cut; });
  return snapshot;
}

}  // namespace

std::vector<pg::Statement> PgBookReader::Statements() {
  return {{"reader_position", kPosition},
          {"reader_accounts", kReadAccounts},
          {"reader_sequence_at", kSequenceAt},
          {"reader_balances", kReadBalances},
          {"reader_entries_up", LEDGER_LIST_ENTRIES("ASC")},
          {"reader_entries_down", LEDGER_LIST_ENTRIES("DESC")},
          {"reader_window_up", LEDGER_END_OF_WINDOW("ASC")},
          {"reader_window_down", LEDGER_END_OF_WINDOW("DESC")},
          {"reader_decision", kReadDecision},
          {"reader_decisions", kReadDecisions},
          {"reader_decisions_after", kDecisionsAfter},
          {"reader_find", kFindTransactions},
          {"reader_trial_balance", kTrialBalance},
          {"reader_entries_after", kEntriesAfter}};
}

Task<absl::StatusOr<std::int64_t>> PgBookReader::LastSequence(std::string book) {
  std::function<absl::StatusOr<std::int64_t>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadSequence(transaction, book, 0);
  };
  co_return co_await pool_.Read<std::int64_t>(std::move(work));
}

BookReader::Result<std::vector<Account>> PgBookReader::GetAccounts(std::string book,
                                                                   std::vector<Uuid> ids,
                                                                   std::int64_t at_least) {
  using Read = Snapshot<std::vector<Account>>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadAccounts(transaction, book, ids, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<std::vector<Balance>> PgBookReader::GetBalances(std::string book,
                                                                   std::vector<Uuid> ids,
                                                                   AsOf as_of,
                                                                   std::int64_t at_least) {
  using Read = Snapshot<std::vector<Balance>>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadBalances(transaction, book, ids, as_of, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<Statement> PgBookReader::ListEntries(std::string book, EntryQuery query,
                                                        std::int64_t at_least) {
  using Read = Snapshot<Statement>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadStatement(transaction, book, query, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<Decision> PgBookReader::GetDecision(std::string book, Uuid transaction_id,
                                                       std::int64_t at_least) {
  using Read = Snapshot<Decision>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadDecisionOf(transaction, book, transaction_id, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<std::vector<Decision>> PgBookReader::GetDecisions(
    std::string book, std::vector<Uuid> transaction_ids, std::int64_t at_least) {
  using Read = Snapshot<std::vector<Decision>>;
  std::function<absl::StatusOr<Read>(Transaction&)> work =
      [&](Transaction& transaction) -> absl::StatusOr<Read> {
    FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence, ReadSequence(transaction, book, at_least));
    FLORIN_ASSIGN_OR_RETURN(std::vector<Decision> decisions,
                            ReadDecisions(transaction.exec_prepared(
                                "reader_decisions", book, UuidsLiteral(transaction_ids))));
    return Read{std::move(decisions), sequence};
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<std::vector<Decision>> PgBookReader::DecisionsAfter(std::string book,
                                                                       std::int64_t after,
                                                                       int limit,
                                                                       std::int64_t at_least) {
  using Read = Snapshot<std::vector<Decision>>;
  std::function<absl::StatusOr<Read>(Transaction&)> work =
      [&](Transaction& transaction) -> absl::StatusOr<Read> {
    FLORIN_ASSIGN_OR_RETURN(const std::int64_t sequence, ReadSequence(transaction, book, at_least));
    FLORIN_ASSIGN_OR_RETURN(
        std::vector<Decision> decisions,
        ReadDecisions(transaction.exec_prepared("reader_decisions_after", book, after, limit)));
    return Read{std::move(decisions), sequence};
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<FoundTransactions> PgBookReader::FindTransactions(
    std::string book, std::string key, std::string value, std::optional<std::int64_t> before,
    int limit, std::int64_t at_least) {
  using Read = Snapshot<FoundTransactions>;
  const Search search{.key = std::move(key),
                      .value = std::move(value),
                      .before = before.value_or(std::numeric_limits<std::int64_t>::max()),
                      .limit = limit};
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadFound(transaction, book, search, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<Totals> PgBookReader::GetTrialBalance(std::string book, std::int64_t at_least) {
  using Read = Snapshot<Totals>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadTotals(transaction, book, at_least);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

BookReader::Result<News> PgBookReader::EntriesAfter(std::string book, std::vector<Uuid> ids,
                                                    std::int64_t after, int limit) {
  using Read = Snapshot<News>;
  std::function<absl::StatusOr<Read>(Transaction&)> work = [&](Transaction& transaction) {
    return ReadNews(transaction, book, ids, after, limit);
  };
  co_return co_await pool_.Read<Read>(std::move(work));
}

}  // namespace florin::ledger
