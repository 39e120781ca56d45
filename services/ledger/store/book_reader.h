// What can be read of books, whoever changes them (store.h). Two of them: pg_book_reader.h for
// real, which may read from a replica; fake_store.h for tests; book_reader_contract_test.cc holds
// both to this contract.
//
// Each read sees one state of its book, and says the sequence of that state. `at_least` is the
// sequence that the caller wants the state to have come to (0: any): a copy that is behind answers
// kSequenceNotReached, whatever else there would be to say, so that nobody reads less than what he
// has seen committed.
//
// A balance at a business time T: let S be the last decision that was committed at T or before.
// Nothing is dated later than its commit (posting_rules.h, step 4: a given time, or that of what is
// reversed, which was committed earlier still), so all entries up to S are dated T or before, and
// of the later ones only those that are dated explicitly can be. So the balance is what the account
// counted after its last entry up to S, and the changes of later entries that are dated T or
// before. It changes as long as entries are dated back; to pin it, close the period.
//
// All methods are thread-safe. Errors of all: kBookNotFound; kSequenceNotReached; kUnavailable, if
// the store cannot be reached.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/ledger/domain/command.h"

namespace florin::ledger {

// What was read, and the last decision of the book then.
template <class Value>
struct Snapshot {
  Value value;
  std::int64_t sequence = 0;

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// An entry with what a statement shows of its transaction.
struct StatementLine {
  Entry entry;
  Uuid transaction_id;
  std::string kind;  // KindOf (command_rules.h)
  absl::Time effective_time;
  absl::Time commit_time;
  Metadata metadata;

  friend bool operator==(const StatementLine&, const StatementLine&) = default;
};

// Which entries of an account, from where, how many.
struct EntryQuery {
  Uuid account_id;
  bool oldest_first = false;
  std::optional<std::int64_t> beyond = {};                           // Goes on after this sequence.
  std::optional<absl::Time> from_commit_time = {};                   // Inclusive.
  std::optional<absl::Time> until_commit_time = {};                  // Exclusive.
  std::vector<std::string> kinds = {};                               // KindOf; none: all.
  std::optional<std::pair<std::string, std::string>> metadata = {};  // Key and value.
  int limit = 100;                                                   // Lines to give.
  // Entries to look at for kinds and metadata: what one read costs at most.
  int scan_limit = 5'000;
};

struct Statement {
  Account account;  // As of the reading of the lines.
  std::vector<StatementLine> lines;
  // `beyond` of the next read; nothing if there is no more. There can be more after few lines, or
  // none, where the filters leave out many.
  std::optional<std::int64_t> next;
};

// 0: before the first decision. Or all that is dated at this time or before.
using AsOf = std::variant<std::int64_t, absl::Time>;

struct Balance {
  Uuid account_id;
  Currency currency;
  Counters counters;         // Pending ones of a business time can be negative: see the proto.
  std::int64_t version = 0;  // Entries counted.

  friend bool operator==(const Balance&, const Balance&) = default;
};

// Sums over all accounts of a currency. Decimal numbers, for they can exceed 64 bits.
struct CurrencyTotals {
  std::string debits_posted;
  std::string credits_posted;
  std::string debits_pending;
  std::string credits_pending;
  std::int64_t accounts = 0;

  friend bool operator==(const CurrencyTotals&, const CurrencyTotals&) = default;
};

struct FoundTransactions {
  std::vector<Decision> decisions;
  std::optional<std::int64_t> next;  // `before` of the next read; nothing if there is no more.
};

// Entries of several accounts in order of sequence, and of account id within one.
struct News {
  std::vector<StatementLine> lines;
  std::int64_t complete = 0;  // All entries up to this sequence are in it.
  bool more = false;          // There are entries beyond `complete` already.
};

class BookReader {
 public:
  template <class Value>
  using Result = Task<absl::StatusOr<Snapshot<Value>>>;

  virtual ~BookReader() = default;

  // The last decision of the book.
  virtual Task<absl::StatusOr<std::int64_t>> LastSequence(std::string book) = 0;

  // The accounts that exist of those, in order of `ids`.
  virtual Result<std::vector<Account>> GetAccounts(std::string book, std::vector<Uuid> ids,
                                                   std::int64_t at_least) = 0;

  // What the accounts that exist of those counted then, in order of `ids`. A sequence implies
  // `at_least`. Error: kBalanceOverflow, if what was pending at a business time does not fit.
  virtual Result<std::vector<Balance>> GetBalances(std::string book, std::vector<Uuid> ids,
                                                   AsOf as_of, std::int64_t at_least) = 0;

  // Error: kAccountNotFound.
  virtual Result<Statement> ListEntries(std::string book, EntryQuery query,
                                        std::int64_t at_least) = 0;

  // What was decided under an id. Error: kTransactionNotFound.
  virtual Result<Decision> GetDecision(std::string book, Uuid transaction_id,
                                       std::int64_t at_least) = 0;

  // What was decided under those of `transaction_ids` that were, in order of sequence.
  virtual Result<std::vector<Decision>> GetDecisions(std::string book,
                                                     std::vector<Uuid> transaction_ids,
                                                     std::int64_t at_least) = 0;

  // At most `limit` decisions after a sequence, in order.
  virtual Result<std::vector<Decision>> DecisionsAfter(std::string book, std::int64_t after,
                                                       int limit, std::int64_t at_least) = 0;

  // At most `limit` transactions that committed with this metadata, newest first, those before a
  // sequence (nothing: all). Error: kMetadataKeyNotIndexed.
  virtual Result<FoundTransactions> FindTransactions(std::string book, std::string key,
                                                     std::string value,
                                                     std::optional<std::int64_t> before, int limit,
                                                     std::int64_t at_least) = 0;

  // By code of currency. Reads all accounts of the book.
  virtual Result<std::map<std::string, CurrencyTotals>> GetTrialBalance(std::string book,
                                                                        std::int64_t at_least) = 0;

  // At most `limit` entries of the accounts after a sequence; of a transaction all or none, so
  // `limit` is at least 2 * kMostPostings (command_rules.h), or as many as any transaction has.
  // `ids` are different ones, and need not exist.
  virtual Result<News> EntriesAfter(std::string book, std::vector<Uuid> ids, std::int64_t after,
                                    int limit) = 0;
};

}  // namespace florin::ledger
