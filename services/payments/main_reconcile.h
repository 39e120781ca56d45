// The parts of payments that tell whether all of it is as it should be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/vain_attempts.h"
#include "services/payments/rpc/reconciliation_rpc.h"
#include "services/payments/rpc/timelines_rpc.h"
#include "services/payments/store/pg_charge_store.h"
#include "services/payments/store/pg_reconcile_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class ReconcileParts {
 public:
  // References outlive this; `pool` has Statements(), and those of PgChargeStore. Ends the process
  // if --reconcile_interval is wrong.
  ReconcileParts(pg::Pool& pool, AccountDirectory& accounts, rpc::Channel& ledger, std::string book,
                 Clock& clock);

  // Begins to reconcile at intervals.
  void Start(Executor executor);
  // Before the executor stops.
  void Stop();

  static std::vector<pg::Statement> Statements() { return PgReconcileStore::Statements(); }
  Reconcile& reconcile() { return reconcile_; }
  VainAttempts& vain() { return vain_; }
  ReconciliationRpc& reconciliation() { return reconciliation_; }
  TimelinesRpc& timelines() { return timelines_; }

 private:
  ledger::v1::LedgerReaderClient reader_;
  PgReconcileStore store_;
  PgChargeStore charges_;
  PaymentParties parties_;
  VainAttempts vain_;
  Reconcile reconcile_;
  ReconciliationRpc reconciliation_;
  TimelinesRpc timelines_;
  std::optional<async::Worker> worker_;
};

}  // namespace florin::payments
