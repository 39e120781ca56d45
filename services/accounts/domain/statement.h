// What the ledger's counters mean to the holder of an account.
//
// A customer's account is a liability of whoever runs Florin: its normal side is credit. Credits
// bring money in, debits take it out. Counters are whole minor units, zero or more, so their
// differences always fit.
#pragma once

#include <cstdint>

namespace florin::accounts {

// The ledger's counters of an account.
struct Counters {
  std::int64_t debits_posted = 0;
  std::int64_t credits_posted = 0;
  std::int64_t debits_pending = 0;
};

struct Balance {
  std::int64_t posted_minor = 0;     // What has been booked.
  std::int64_t available_minor = 0;  // What can be spent: less what is held.

  friend bool operator==(const Balance&, const Balance&) = default;
};
Balance BalanceOf(const Counters& counters);

// What one transaction did to the account, and the counters after it.
struct LedgerEntry {
  std::int64_t debit_minor = 0;
  std::int64_t credit_minor = 0;
  std::int64_t debits_posted_after = 0;
  std::int64_t credits_posted_after = 0;
};

struct StatementLine {
  std::int64_t amount_minor = 0;  // Positive: came in. Negative: went out.
  std::int64_t balance_after_minor = 0;

  friend bool operator==(const StatementLine&, const StatementLine&) = default;
};
StatementLine LineOf(const LedgerEntry& entry);

}  // namespace florin::accounts
