// Books in memory, for tests: the same rules and the same answers as PgStore
// (store_contract_test.cc).
#pragma once

#include <map>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class FakeStore : public Store {
 public:
  Task<absl::Status> EnsureBook(std::string book) override;
  Task<absl::StatusOr<bool>> HasBook(std::string book) override;
  Task<absl::StatusOr<std::vector<Account>>> OpenAccounts(
      std::string book, std::vector<AccountTerms> accounts) override;
  Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book,
                                                    std::vector<TransactionInput> inputs,
                                                    absl::Time now) override;
  Task<absl::StatusOr<std::vector<Account>>> GetAccounts(std::string book,
                                                         std::vector<Uuid> ids) override;
  Task<absl::StatusOr<Statement>> ListEntries(std::string book, Uuid account_id,
                                              std::optional<std::int64_t> before,
                                              int limit) override;
  Task<absl::StatusOr<Decision>> GetDecision(std::string book, Uuid transaction_id) override;

 private:
  struct Book {
    BookState state;
    absl::flat_hash_map<Uuid, Account> accounts;
    absl::flat_hash_map<Uuid, Decision> decisions;
    std::vector<Uuid> by_sequence;  // Transaction ids; sequence 1 is at 0.
    std::vector<Entry> entries;
  };

  // The book, or nullptr. With mutex_ held.
  Book* Find(const std::string& book);

  std::mutex mutex_;
  std::map<std::string, Book> books_;  // Guarded by mutex_.
};

}  // namespace florin::ledger
