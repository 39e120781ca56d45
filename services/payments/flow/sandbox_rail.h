// The sandbox rail's side of a deposit: its clearing accounts in the ledger.
#pragma once

#include <mutex>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "libs/money/currency.h"

namespace florin::payments {

// One clearing account for each currency, opened when first needed and remembered from then on. Its
// id follows from the currency, so that every replica opens the same one. It is an asset without
// limits: what the rail owes for money that it has announced. Thread-safe.
class SandboxRail {
 public:
  // `ledger` outlives this.
  SandboxRail(ledger::v1::LedgerClient& ledger, std::string book);

  // Errors: those of the ledger's OpenAccounts.
  Task<absl::Status> EnsureOpen(Currency currency);
  // Forgets that the account is open, after the ledger has denied it.
  void Forget(const Currency& currency);

 private:
  ledger::v1::LedgerClient& ledger_;
  const std::string book_;
  std::mutex mutex_;
  absl::flat_hash_set<std::string> open_;  // Currency codes. Guarded by mutex_.
};

}  // namespace florin::payments
