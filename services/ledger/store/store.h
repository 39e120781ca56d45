// Where books are kept, for those who change them (book_reader.h is for those who read). Two of
// them: pg_store.h for real, fake_store.h for tests; store_contract_test.cc holds both to this
// contract.
//
// Everything is scoped by a book. All methods are thread-safe, may be repeated without further
// effect, and fail with kUnavailable if the store cannot be reached; the outcome of a write is
// unknown then until it is repeated.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/ledger/domain/command.h"

namespace florin::ledger {

class Store {
 public:
  virtual ~Store() = default;

  // Makes the book unless it is there, and has its transactions indexed from now on by these keys
  // of their metadata, besides those of before.
  virtual Task<absl::Status> EnsureBook(std::string book,
                                        std::set<std::string> indexed_metadata) = 0;
  virtual Task<absl::StatusOr<bool>> HasBook(std::string book) = 0;
  virtual Task<absl::StatusOr<std::vector<std::string>>> ListBooks() = 0;

  // Opens accounts, all or none; those that were opened with the same terms count as opened. Gives
  // them as they are now, in order. Errors: kBookNotFound; kIdConflict with `param`
  // "accounts[i].field".
  virtual Task<absl::StatusOr<std::vector<Account>>> OpenAccounts(
      std::string book, std::vector<AccountTerms> accounts, absl::Time now) = 0;

  // Decides `commands` in order (ApplyBatch of posting_rules.h) and keeps everything in one commit.
  // Batches of one book follow each other, whichever process they come from. One outcome for each
  // command. Error: kBookNotFound.
  virtual Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book,
                                                            std::vector<Command> commands,
                                                            absl::Time now) = 0;

  // What Commit would give now. Keeps nothing.
  virtual Task<absl::StatusOr<std::vector<Outcome>>> DryRun(std::string book,
                                                            std::vector<Command> commands,
                                                            absl::Time now) = 0;

  // At most `limit` open holds whose time is over at `now`, in order of that time.
  virtual Task<absl::StatusOr<std::vector<Uuid>>> ExpiredHolds(std::string book, absl::Time now,
                                                               int limit) = 0;
};

}  // namespace florin::ledger
