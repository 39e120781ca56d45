// Bookings of payouts and of rails' deposits, which have transactions of their own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/payments/domain/step_transaction.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {

// Has the ledger decide a transaction on accounts of the house, which are opened if need be. Gives
// an answer that is final; errors: kUnavailable, kDeadlineExceeded, kOverloaded: unknown; kInternal
// if the ledger will not decide (logged).
Task<absl::StatusOr<LedgerAnswer>> Book(Settlement& settlement, ChartAccounts& chart,
                                        std::vector<HouseAccount> accounts,
                                        StepTransaction transaction,
                                        std::map<std::string, std::string> metadata);

}  // namespace florin::payments
