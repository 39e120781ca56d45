#include "services/accounts/domain/statement.h"

namespace florin::accounts {

Balance BalanceOf(const Counters& counters) {
  const std::int64_t posted = counters.credits_posted - counters.debits_posted;
  return {.posted_minor = posted, .available_minor = posted - counters.debits_pending};
}

StatementLine LineOf(const LedgerEntry& entry) {
  return {.amount_minor = entry.credit_minor - entry.debit_minor,
          .balance_after_minor = entry.credits_posted_after - entry.debits_posted_after};
}

}  // namespace florin::accounts
