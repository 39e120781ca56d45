// What a book is made of. Plain values: no rules (posting_rules.h, opening_rules.h), no storage, no
// wire. What callers ask for is in command.h.
//
// Amounts are whole minor units of the account's currency. Times have microseconds, as PostgreSQL
// keeps them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/currency.h"

namespace florin::ledger {

enum class NormalSide {
  kDebit,   // Assets and expenses: grows by debits.
  kCredit,  // Liabilities, equity and income: grows by credits.
};

// What an account is opened with. Later only the credit line changes, by a command of its own.
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
// and stored nowhere. Posted and pending of one side together fit 64 bits, so what is held can
// always be captured.
struct Counters {
  std::int64_t debits_posted = 0;
  std::int64_t credits_posted = 0;
  std::int64_t debits_pending = 0;
  std::int64_t credits_pending = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

// The sides on which an account takes nothing new. What is held already still resolves.
struct Freeze {
  bool debits = false;
  bool credits = false;

  friend bool operator==(const Freeze&, const Freeze&) = default;
};

struct Account {
  AccountTerms terms;
  Counters counters;
  std::int64_t version = 0;  // Number of entries so far.
  bool closed = false;       // Takes no new debits and credits; holds still resolve.
  Freeze frozen = {};

  friend bool operator==(const Account&, const Account&) = default;
};

// One movement: debits one account and credits another of the same currency by the same amount.
struct Posting {
  Uuid debit_account_id;
  Uuid credit_account_id;
  std::int64_t amount_minor = 0;
  // "Up to" amount_minor: no more than the debit account's posted credits less its debits posted
  // and pending (a credit line is not drawn on); the mirror image for the credit account. Only in
  // commands: what a decision says has moved is exact.
  bool balancing_debit = false;
  bool balancing_credit = false;

  friend bool operator==(const Posting&, const Posting&) = default;
};

using Metadata = std::map<std::string, std::string>;

// What one transaction did to one account. Pending amounts fall when a hold resolves.
struct Entry {
  Uuid account_id;
  std::int64_t version = 0;   // 1, 2, 3, … in the account, without gaps.
  std::int64_t sequence = 0;  // Of the decision.
  Counters change;            // Sums over the transaction's postings on the account.
  Counters after;

  friend bool operator==(const Entry&, const Entry&) = default;
};

enum class HoldState { kOpen, kCaptured, kVoided, kExpired };

// Money set aside: pending on both accounts of each posting until captured, voided or expired.
struct Hold {
  Uuid hold_id;  // Id of the transaction that made it.
  HoldState state = HoldState::kOpen;
  absl::Time expire_time = absl::InfiniteFuture();
  std::vector<Posting> postings;  // What is still held; amounts of zero once captured or released.

  friend bool operator==(const Hold&, const Hold&) = default;
};

// Where a book stands.
struct BookState {
  std::int64_t last_sequence = 0;
  absl::Time last_commit_time = absl::UnixEpoch();
  // Nothing may be dated before this. Only grows.
  absl::Time closed_until = absl::InfinitePast();

  friend bool operator==(const BookState&, const BookState&) = default;
};

}  // namespace florin::ledger
