// Reads of books in PostgreSQL, each in one snapshot, by keys. The trial balance alone reads a
// whole table's part of its book.
#pragma once

#include "libs/pg/pool.h"
#include "services/ledger/store/book_reader.h"

namespace florin::ledger {

class PgBookReader : public BookReader {
 public:
  // The statements that the pool must prepare; its settings are PgStore::Settings().
  static std::vector<pg::Statement> Statements();

  // `pool` is not owned and outlives the reader. It may be that of a replica.
  explicit PgBookReader(pg::Pool& pool) : pool_(pool) {}

  Task<absl::StatusOr<std::int64_t>> LastSequence(std::string book) override;
  Result<std::vector<Account>> GetAccounts(std::string book, std::vector<Uuid> ids,
                                           std::int64_t at_least) override;
  Result<std::vector<Balance>> GetBalances(std::string book, std::vector<Uuid> ids, AsOf as_of,
                                           std::int64_t at_least) override;
  Result<Statement> ListEntries(std::string book, EntryQuery query, std::int64_t at_least) override;
  Result<Decision> GetDecision(std::string book, Uuid transaction_id,
                               std::int64_t at_least) override;
  Result<std::vector<Decision>> GetDecisions(std::string book, std::vector<Uuid> transaction_ids,
                                             std::int64_t at_least) override;
  Result<std::vector<Decision>> DecisionsAfter(std::string book, std::int64_t after, int limit,
                                               std::int64_t at_least) override;
  Result<FoundTransactions> FindTransactions(std::string book, std::string key, std::string value,
                                             std::optional<std::int64_t> before, int limit,
                                             std::int64_t at_least) override;
  Result<std::map<std::string, CurrencyTotals>> GetTrialBalance(std::string book,
                                                                std::int64_t at_least) override;
  Result<News> EntriesAfter(std::string book, std::vector<Uuid> ids, std::int64_t after,
                            int limit) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::ledger
