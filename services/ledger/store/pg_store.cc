#include "services/ledger/store/pg_store.h"

#include <utility>

#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/store/opening.h"
#include "services/ledger/store/pg_batch.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

constexpr char kEnsureBook[] =
    "INSERT INTO books AS b (book, indexed_metadata) VALUES ($1, $2::text[]) "
    "ON CONFLICT (book) DO UPDATE SET indexed_metadata = b.indexed_metadata || ARRAY("
    "  SELECT key FROM unnest(excluded.indexed_metadata) AS k (key) "
    "  WHERE key <> ALL (b.indexed_metadata)) "
    "WHERE NOT b.indexed_metadata @> excluded.indexed_metadata";
constexpr char kHasBook[] = "SELECT 1 FROM books WHERE book = $1";
constexpr char kListBooks[] = "SELECT book FROM books ORDER BY book";
constexpr char kExpiredHolds[] =
    "SELECT hold_id FROM holds WHERE book = $1 AND state = 'open' AND expires_at <= at_micros($2) "
    "ORDER BY expires_at, hold_id LIMIT $3";
// Counts one who commits to a book, as long as it lives.
class Caller {
 public:
  explicit Caller(KnownBook& book) : book_(book) { ++book_.callers(); }
  ~Caller() { --book_.callers(); }
  Caller(const Caller&) = delete;

 private:
  KnownBook& book_;
};

absl::StatusOr<std::vector<Account>> Open(pqxx::work& transaction, KnownBook& known,
                                          const std::string& book,
                                          const std::vector<AccountTerms>& accounts,
                                          absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Outcome> outcomes,
                          CommitBatch(transaction, known, book, OpeningsOf(accounts), now));
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
  // Of a partitioned table PostgreSQL takes a plan for every book to be dear, and would make one
  // anew for each call, which takes five times as long as finding the book's partition in it.
  return {"enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off",
          "plan_cache_mode = force_generic_plan"};
}

std::vector<pg::Statement> PgStore::Statements() {
  std::vector<pg::Statement> statements = BatchStatements();
  statements.insert(statements.end(), {{"ensure_book", kEnsureBook},
                                       {"has_book", kHasBook},
                                       {"list_books", kListBooks},
                                       {"expired_holds", kExpiredHolds}});
  return statements;
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
  const std::shared_ptr<KnownBook> known = books_.Of(book);
  const Caller caller(*known);
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) { return Open(transaction, *known, book, accounts, now); };
  co_return co_await pool_.Transact<std::vector<Account>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Outcome>>> PgStore::Commit(std::string book,
                                                           std::vector<Command> commands,
                                                           absl::Time now) {
  const std::shared_ptr<KnownBook> known = books_.Of(book);
  const Caller caller(*known);
  std::function<absl::StatusOr<std::vector<Outcome>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) {
        return CommitBatch(transaction, *known, book, commands, now);
      };
  co_return co_await pool_.Transact<std::vector<Outcome>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Outcome>>> PgStore::DryRun(std::string book,
                                                           std::vector<Command> commands,
                                                           absl::Time now) {
  std::function<absl::StatusOr<std::vector<Outcome>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return TryBatch(transaction, book, commands, now);
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
