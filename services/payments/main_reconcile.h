// The parts of payments that tell whether all of it is as it should be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/rail_reconcile.h"
#include "services/payments/flow/vain_attempts.h"
#include "services/payments/main_limits.h"
#include "services/payments/rpc/reconciliation_rpc.h"
#include "services/payments/rpc/timelines_rpc.h"
#include "services/payments/store/pg_charge_store.h"
#include "services/payments/store/pg_rail_reconcile_store.h"
#include "services/payments/store/pg_reconcile_store.h"
#include "services/payments/store/pg_timeline_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class ReconcileParts {
 public:
  // References outlive this; `pool` has Statements(), and those of PgChargeStore. Ends the process
  // if --reconcile_interval is wrong.
  ReconcileParts(pg::Pool& pool, AccountDirectory& accounts, LimitParts& limits,
                 rpc::Channel& ledger, std::string book, Clock& clock);

  // Before serving. Begins to reconcile at intervals, with the statements of `rails`, too.
  void Start(Executor executor, Rails rails);
  // Before the executor stops.
  void Stop();

  static std::vector<pg::Statement> Statements();
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
  PgRailReconcileStore lines_;
  PgTimelineStore origins_;
  LimitHistory limits_;
  Reconcile reconcile_;
  RailReconcile rail_reconcile_;
  ReconciliationRpc reconciliation_;
  TimelinesRpc timelines_;
  std::optional<async::Worker> worker_;
};

}  // namespace florin::payments
