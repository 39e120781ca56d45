// The accounts of the house that refunds and disputes move money through.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

// Opened when first needed and remembered from then on. Their ids follow from what they are for, so
// that every replica opens the same ones. Thread-safe.
class RefundAccounts {
 public:
  // `ledger` outlives this.
  RefundAccounts(ledger::v1::LedgerClient& ledger, std::string book);

  // Opens the receivable of the payee whom `step` of `payment` is about (an asset that is never
  // negative) and the disputes clearing account of the payment's currency (a liability that is
  // never negative). Errors: those of the ledger's OpenAccounts.
  Task<absl::Status> EnsureOpen(const Payment& payment, const Step& step);

 private:
  ledger::v1::LedgerClient& ledger_;
  const std::string book_;
  std::mutex mutex_;
  // Payees' accounts, with the payment's currency. Guarded by mutex_.
  absl::flat_hash_set<std::pair<Uuid, std::string>> open_;
};

}  // namespace florin::payments
