// Where books are kept. Two of them: pg_store.h for real, fake_store.h for tests;
// store_contract_test.cc holds both to this contract.
//
// Everything is scoped by a book. All methods are thread-safe, may be repeated without further
// effect, and fail with kUnavailable if the store cannot be reached; the outcome of a write is
// unknown then until it is repeated.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/ledger/domain/values.h"

namespace florin::ledger {

// An entry with what a statement shows of its transaction.
struct StatementLine {
  Entry entry;
  Uuid transaction_id;
  absl::Time effective_time;
  absl::Time commit_time;
  Metadata metadata;

  friend bool operator==(const StatementLine&, const StatementLine&) = default;
};

struct Statement {
  Account account;  // As of the reading of the lines.
  std::vector<StatementLine> lines;
};

class Store {
 public:
  virtual ~Store() = default;

  // Makes the book unless it is there.
  virtual Task<absl::Status> EnsureBook(std::string book) = 0;
  virtual Task<absl::StatusOr<bool>> HasBook(std::string book) = 0;

  // Opens accounts, all or none; those that are open with the same terms count as opened. Gives
  // them as they are now, in order. Errors: kBookNotFound; kIdConflict with `param`
  // "accounts[i].field".
  virtual Task<absl::StatusOr<std::vector<Account>>> OpenAccounts(
      std::string book, std::vector<AccountTerms> accounts) = 0;

  // Decides `inputs` in order (ApplyBatch of posting_rules.h) and keeps everything in one commit.
  // Batches of one book follow each other, whichever process they come from. One outcome for each
  // input. Error: kBookNotFound.
  virtual Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book,
                                                            std::vector<TransactionInput> inputs,
                                                            absl::Time now) = 0;

  // The accounts that exist of those, in order of `ids`. Error: kBookNotFound.
  virtual Task<absl::StatusOr<std::vector<Account>>> GetAccounts(std::string book,
                                                                 std::vector<Uuid> ids) = 0;

  // At most `limit` entries of an account, newest first, those before version `before` (nothing:
  // all). Error: kAccountNotFound.
  virtual Task<absl::StatusOr<Statement>> ListEntries(std::string book, Uuid account_id,
                                                      std::optional<std::int64_t> before,
                                                      int limit) = 0;

  // What was decided under an id. Error: kTransactionNotFound.
  virtual Task<absl::StatusOr<Decision>> GetDecision(std::string book, Uuid transaction_id) = 0;
};

}  // namespace florin::ledger
