// Wiring of captures, refunds and disputes.
#pragma once

#include <string>
#include <vector>

#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/charge_recovery.h"
#include "services/payments/rpc/charges_rpc.h"
#include "services/payments/rpc/disputes_rpc.h"
#include "services/payments/store/pg_charge_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class ChargeParts {
 public:
  // References outlive this; `pool` has Statements(), `auth` is a channel to that service. Ends the
  // process if --refund_shortfall is wrong.
  ChargeParts(Executor executor, pg::Pool& pool, Settlement& settlement, AccountDirectory& accounts,
              ledger::v1::LedgerClient& ledger, rpc::Channel& auth, std::string book,
              VainAttempts& vain, Clock& clock);

  static std::vector<pg::Statement> Statements() { return PgChargeStore::Statements(); }
  PaymentParties& parties() { return parties_; }
  ChargeSteps& steps() { return steps_; }
  ChargeRecovery& recovery() { return recovery_; }
  ChargesRpc& charges() { return charges_; }
  DisputesRpc& disputes() { return disputes_; }

 private:
  auth::v1::ProposalsClient proposals_;
  PgChargeStore store_;
  RefundAccounts accounts_;
  PaymentParties parties_;
  ChargeSteps steps_;
  ChargeRecovery recovery_;
  ChargesRpc charges_;
  DisputesRpc disputes_;
};

}  // namespace florin::payments
