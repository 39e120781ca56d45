// Books in memory, for tests: the same rules and the same answers as PgStore
// (store_contract_test.cc).
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "services/ledger/domain/posting_rules.h"
#include "services/ledger/store/book_reader.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class FakeStore : public Store, public BookReader {
 public:
  Task<absl::Status> EnsureBook(std::string book, std::set<std::string> indexed_metadata) override;
  Task<absl::StatusOr<bool>> HasBook(std::string book) override;
  Task<absl::StatusOr<std::vector<std::string>>> ListBooks() override;
  Task<absl::StatusOr<std::vector<Account>>> OpenAccounts(std::string book,
                                                          std::vector<AccountTerms> accounts,
                                                          absl::Time now) override;
  Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book, std::vector<Command> commands,
                                                    absl::Time now) override;
  Task<absl::StatusOr<std::vector<Outcome>>> DryRun(std::string book, std::vector<Command> commands,
                                                    absl::Time now) override;
  Task<absl::StatusOr<std::vector<Uuid>>> ExpiredHolds(std::string book, absl::Time now,
                                                       int limit) override;

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

  // All that is kept of a book.
  struct Book {
    LoadedBook loaded;
    std::vector<Uuid> journal;  // Transaction ids; sequence 1 is at 0.
    std::vector<Entry> entries;
    // Keys that decisions after this sequence can be found by.
    std::map<std::string, std::int64_t> indexed_metadata;
  };
  // Runs `read` on a book under the lock; false if there is none.
  bool Inspect(const std::string& book, const std::function<void(const Book&)>& read);

 private:
  // The book, or nullptr. With mutex_ held.
  Book* Find(const std::string& book);
  // The same for readers, who want it to have come to a sequence.
  absl::StatusOr<const Book*> FindFor(const std::string& book, std::int64_t at_least);

  std::mutex mutex_;
  std::map<std::string, Book> books_;  // Guarded by mutex_.
};

}  // namespace florin::ledger
