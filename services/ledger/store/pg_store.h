// Books in PostgreSQL (migrations/): schema `ledger`, as the runtime role. A batch is one
// transaction (pg_batch.h); different books don't meet.
#pragma once

#include "libs/pg/pool.h"
#include "services/ledger/store/known_book.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

class PgStore : public Store {
 public:
  // The statements that the pool must prepare, and the settings that its connections need: every
  // statement finds rows by their keys, so plans that read or join whole tables are ruled out.
  static std::vector<pg::Statement> Statements();
  static std::vector<std::string> Settings();

  // `pool` is not owned and outlives the store.
  explicit PgStore(pg::Pool& pool) : pool_(pool) {}

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

 private:
  pg::Pool& pool_;
  KnownBooks books_;
};

}  // namespace florin::ledger
