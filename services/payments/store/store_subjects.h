// What contracts of this directory are held against: PostgreSQL and the fake. For tests.
#pragma once

#include <utility>
#include <vector>

#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "services/payments/store/fake_rail_reconcile_store.h"
#include "services/payments/store/fake_timeline_store.h"
#include "services/payments/store/pg_approval_store.h"
#include "services/payments/store/pg_book_transfer_store.h"
#include "services/payments/store/pg_charge_store.h"
#include "services/payments/store/pg_deposit_store.h"
#include "services/payments/store/pg_payout_store.h"
#include "services/payments/store/pg_quote_store.h"
#include "services/payments/store/pg_rail_reconcile_store.h"
#include "services/payments/store/pg_reconcile_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/pg_timeline_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {

class FakeSubject {
 public:
  Store& payments() { return store_; }
  ApprovalStore& approvals() { return store_; }
  ChargeStore& charges() { return store_; }
  PayoutStore& payouts() { return store_; }
  DepositStore& deposits() { return deposits_; }
  BookTransferStore& transfers() { return store_; }
  ReconcileStore& reconcile() { return store_; }
  RailReconcileStore& lines() { return lines_; }
  TimelineStore& timelines() { return timelines_; }

 private:
  FakeStore store_;
  FakeDepositStore deposits_;
  FakeRailReconcileStore lines_{store_, deposits_};
  FakeTimelineStore timelines_{store_, deposits_};
};

class PgSubject {
 public:
  Store& payments() { return store_; }
  ApprovalStore& approvals() { return approvals_; }
  ChargeStore& charges() { return charges_; }
  PayoutStore& payouts() { return payouts_; }
  DepositStore& deposits() { return deposits_; }
  BookTransferStore& transfers() { return transfers_; }
  ReconcileStore& reconcile() { return reconcile_; }
  RailReconcileStore& lines() { return lines_; }
  TimelineStore& timelines() { return timelines_; }

 private:
  static std::vector<pg::Statement> Statements() {
    std::vector<pg::Statement> all = PgStore::Statements();
    for (const auto& more : {PgApprovalStore::Statements(), PgQuoteStore::Statements(),
                             PgChargeStore::Statements(), PgPayoutStore::Statements(),
                             PgDepositStore::Statements(), PgBookTransferStore::Statements(),
                             PgReconcileStore::Statements(), PgRailReconcileStore::Statements(),
                             PgTimelineStore::Statements(), audit::InsertStatements()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  pg::Pool pool_{{.conninfo = Server().conninfo("payments"),
                  .connections = 4,
                  .statements = Statements(),
                  .settings = pg::KeyedAccessSettings()}};
  PgStore store_{pool_};
  PgApprovalStore approvals_{pool_};
  PgChargeStore charges_{pool_};
  PgPayoutStore payouts_{pool_};
  PgDepositStore deposits_{pool_};
  PgBookTransferStore transfers_{pool_};
  PgReconcileStore reconcile_{pool_};
  PgRailReconcileStore lines_{pool_};
  PgTimelineStore timelines_{pool_};
};

}  // namespace florin::payments
