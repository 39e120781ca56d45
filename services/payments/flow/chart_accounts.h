// The accounts of the house in the ledger that payments post to (domain/chart_of_accounts.h).
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "services/payments/domain/chart_of_accounts.h"

namespace florin::payments {

// What the ledger is asked to open for it: its id, side and limits are those of the chart.
ledger::v1::Account OpeningOf(const HouseAccount& house);

// One for each role and currency, opened when first needed and remembered from then on.
// Thread-safe.
class ChartAccounts {
 public:
  // `ledger` outlives this.
  ChartAccounts(ledger::v1::LedgerClient& ledger, std::string book);

  // Opens those that are not known to be open, all or none. Errors: those of the ledger's
  // OpenAccounts.
  Task<absl::Status> EnsureOpen(std::vector<HouseAccount> accounts);
  // Forgets that the accounts are open, after the ledger has denied it.
  void Forget(const std::vector<HouseAccount>& accounts);

 private:
  std::vector<HouseAccount> Unknown(const std::vector<HouseAccount>& accounts);

  ledger::v1::LedgerClient& ledger_;
  const std::string book_;
  std::mutex mutex_;
  absl::flat_hash_set<std::string> open_;  // Keys. Guarded by mutex_.
};

}  // namespace florin::payments
