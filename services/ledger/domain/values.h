// What a book is made of. Plain values: no rules (posting_rules.h, opening_rules.h), no storage, no
// wire.
//
// Amounts are whole minor units of the account's currency. Times have microseconds, as PostgreSQL
// keeps them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/currency.h"
#include "libs/status/status.h"

namespace florin::ledger {

enum class NormalSide {
  kDebit,   // Assets and expenses: grows by debits.
  kCredit,  // Liabilities, equity and income: grows by credits.
};

// What an account is opened with. Never changes.
struct AccountTerms {
  Uuid account_id;
  Currency currency;
  NormalSide normal_side = NormalSide::kDebit;
  bool debits_must_not_exceed_credits = false;
  bool credits_must_not_exceed_debits = false;
  std::int64_t credit_line_minor = 0;

  friend bool operator==(const AccountTerms&, const AccountTerms&) = default;
};

// Since the account was opened; none is ever negative. A balance is the difference of two of them
// and stored nowhere.
struct Counters {
  std::int64_t debits_posted = 0;
  std::int64_t credits_posted = 0;
  std::int64_t debits_pending = 0;
  std::int64_t credits_pending = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

struct Account {
  AccountTerms terms;
  Counters counters;
  std::int64_t version = 0;  // Number of entries so far.
  bool closed = false;       // Takes no more entries.

  friend bool operator==(const Account&, const Account&) = default;
};

// One movement: debits one account and credits another of the same currency by the same amount.
struct Posting {
  Uuid debit_account_id;
  Uuid credit_account_id;
  std::int64_t amount_minor = 0;

  friend bool operator==(const Posting&, const Posting&) = default;
};

using Metadata = std::map<std::string, std::string>;

// Why a transaction did not commit.
struct Refusal {
  Reason reason;
  std::string message;
  std::string param;  // The offending field, e.g. "postings[0].amount_minor".

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// A command to commit a transaction, as the caller gave it.
struct TransactionInput {
  Uuid transaction_id;
  std::vector<Posting> postings;
  std::optional<absl::Time> effective_time;  // Nothing: the time of commit.
  Metadata metadata;
  // The first field that could not even be read (an account id that is none). Such a command
  // matches no earlier one.
  std::optional<Refusal> malformed;

  friend bool operator==(const TransactionInput&, const TransactionInput&) = default;
};

// The place of a committed transaction in its book.
struct Commitment {
  std::int64_t sequence = 0;  // 1, 2, 3, … without gaps.
  absl::Time commit_time;     // Strictly increasing with `sequence`.

  friend bool operator==(const Commitment&, const Commitment&) = default;
};

// What became of a command.
struct Decision {
  TransactionInput input;
  std::variant<Commitment, Refusal> fate;

  const Commitment* commitment() const { return std::get_if<Commitment>(&fate); }
  const Refusal* refusal() const { return std::get_if<Refusal>(&fate); }
  friend bool operator==(const Decision&, const Decision&) = default;
};

// The answer to a command. `replayed`: it had been decided before, and this is what was decided
// then.
struct Outcome {
  Decision decision;
  bool replayed = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What one transaction did to one account.
struct Entry {
  Uuid account_id;
  std::int64_t version = 0;  // 1, 2, 3, … in the account, without gaps.
  std::int64_t sequence = 0;
  std::int64_t debit_minor = 0;  // Sums over the transaction's postings on the account.
  std::int64_t credit_minor = 0;
  std::int64_t debits_posted_after = 0;
  std::int64_t credits_posted_after = 0;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// Where a book stands.
struct BookState {
  std::int64_t last_sequence = 0;
  absl::Time last_commit_time = absl::UnixEpoch();

  friend bool operator==(const BookState&, const BookState&) = default;
};

}  // namespace florin::ledger
