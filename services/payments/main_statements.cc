#include "services/payments/main_statements.h"

#include "libs/audit/trail.h"
#include "services/payments/main_approvals.h"
#include "services/payments/main_books.h"
#include "services/payments/main_charges.h"
#include "services/payments/main_limits.h"
#include "services/payments/main_orders.h"
#include "services/payments/main_pricing.h"
#include "services/payments/main_rails.h"
#include "services/payments/main_reconcile.h"
#include "services/payments/store/pg_store.h"

namespace florin::payments {

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (const auto& more :
       {ApprovalParts::Statements(), BookParts::Statements(), ChargeParts::Statements(),
        LimitParts::Statements(), OrderParts::Statements(), PricingParts::Statements(),
        RailParts::Statements(), ReconcileParts::Statements(), audit::Trail::Statements()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

pg::PoolOptions DatabaseOf(process::Process& process) {
  pg::PoolOptions database = process.Database(AllStatements());
  database.settings = pg::KeyedAccessSettings();
  return database;
}

}  // namespace florin::payments
