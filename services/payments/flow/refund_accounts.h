// The accounts of the house that refunds and disputes move money through.
#pragma once

#include <mutex>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {

// Opened when first needed and remembered from then on. Their ids follow from what they are for, so
// that every replica opens the same ones. Thread-safe.
class RefundAccounts {
 public:
  // `ledger` outlives this.
  RefundAccounts(ledger::v1::LedgerClient& ledger, std::string book);

  // Opens the receivable of the payee of `payment` (an asset that is never negative) and the
  // disputes clearing account of its currency (a liability that is never negative). Errors: those
  // of the ledger's OpenAccounts.
  Task<absl::Status> EnsureOpen(const Payment& payment);

 private:
  ledger::v1::LedgerClient& ledger_;
  const std::string book_;
  std::mutex mutex_;
  absl::flat_hash_set<Uuid> open_;  // Payees' accounts. Guarded by mutex_.
};

}  // namespace florin::payments
