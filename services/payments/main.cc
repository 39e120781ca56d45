// florin-payments: payment intents, and the way of their money through the ledger.
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "florin/accounts/v1/accounts.rpc.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/proof.rpc.h"
#include "libs/audit/trail.h"
#include "libs/clock/clock.h"
#include "libs/identity/bearer_authenticator.h"
#include "libs/ids/ids.h"
#include "libs/process/process.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/main_approvals.h"
#include "services/payments/main_books.h"
#include "services/payments/main_charges.h"
#include "services/payments/main_limits.h"
#include "services/payments/main_orders.h"
#include "services/payments/main_payees.h"
#include "services/payments/main_pricing.h"
#include "services/payments/main_rails.h"
#include "services/payments/main_reconcile.h"
#include "services/payments/main_recovery.h"
#include "services/payments/main_statements.h"
#include "services/payments/rpc/payments_rpc.h"
#include "services/payments/store/pg_store.h"

ABSL_FLAG(std::string, auth_target, "127.0.0.1:7001", "host:port of florin-auth.");
ABSL_FLAG(std::string, accounts_target, "127.0.0.1:7002", "host:port of florin-accounts.");
ABSL_FLAG(std::string, ledger_target, "127.0.0.1:7004",
          "host:port of florin-ledger. Several, separated by commas, share the books: the calls of "
          "a book go to the first of them that can be reached in the order of its rendezvous hash. "
          "List the same ones in every service.");
ABSL_FLAG(std::string, book, "main", "The ledger book that payments move money in.");
ABSL_FLAG(bool, sandbox, false,
          "Offer the sandbox: a rail, deposits out of nothing, a clock. Never with real money.");

namespace {

// In this order; the Runtime last, before the parts that coroutines use go.
template <class... Parts>
void StopAll(Parts&... parts) {
  (parts.Stop(), ...);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;
  process::Process process(argc, argv, "payments", "Payments between accounts, exactly once.");
  process.MigrateAndExitIfAsked();
  payments::RailParts rails(absl::GetFlag(FLAGS_sandbox));
  Clock& clock = rails.clock();
  rpc::Channel auth = process.Connect("auth", absl::GetFlag(FLAGS_auth_target));
  rpc::Channel accounts_channel = process.Connect("accounts", absl::GetFlag(FLAGS_accounts_target));
  rpc::Channel ledger_channel = process.Connect("ledger", absl::GetFlag(FLAGS_ledger_target));
  accounts::v1::AccountsClient accounts(&accounts_channel);
  ledger::v1::LedgerClient ledger(&ledger_channel);
  ledger::v1::LedgerProofClient proofs(&ledger_channel);
  identity::BearerAuthenticator authenticator(auth, SystemClock(), process.issuer());
  asio::co_spawn(process.executor(), authenticator.WatchRevocations(), asio::detached);
  pg::Pool pool(payments::DatabaseOf(process));
  audit::Trail trail(process.executor(), pool, "payments");
  payments::PgStore store(pool);
  payments::ApprovalParts approvals(pool, auth);
  const std::string book = absl::GetFlag(FLAGS_book);
  const std::string page = process.issuer() + "/auth/approval";
  payments::AccountDirectory directory(accounts, /*remembered=*/200'000);
  payments::PricingParts pricing(process.executor(), pool, clock);
  payments::ChartAccounts chart(ledger, book);
  payments::LimitParts limits(process.executor(), pool, directory, ledger, ledger_channel, auth,
                              book, clock);
  payments::Settlement settlement(process.executor(), store, ledger, chart, clock, book,
                                  &limits.buckets());
  settlement.ExplainBy(directory);
  payments::CreatePayment create(directory, settlement, clock, SystemIds(), approvals.approving(),
                                 pricing.pricing(), &limits.directory());
  payments::PayeeParts payees(accounts_channel, create, clock);
  payments::ConfirmPayment confirm(approvals.store(), approvals.approvals(), settlement, clock,
                                   &directory);
  payments::ReconcileParts reconcile(pool, directory, limits, ledger_channel, book, clock);
  payments::BookParts books(pool, store, settlement, ledger, ledger_channel, limits.directory(),
                            reconcile.reconcile(), clock);
  payments::ChargeParts charges(process.executor(), pool, settlement, directory, ledger, auth, book,
                                reconcile.vain(), clock);
  payments::OrderParts orders({create, directory, settlement, chart, pricing.pricing(),
                               approvals.approving().policy, &limits.directory()},
                              approvals.approvals(), page, process.executor(), pool, clock);
  payments::PaymentsRpc service(create, confirm, charges.parties(), charges.steps(), store, proofs,
                                book, absl::GetFlag(FLAGS_sandbox), page);
  payments::RecoveryParts recovery(
      process.executor(), {store, settlement, approvals.store(), confirm, reconcile.vain(), clock},
      charges.recovery());
  payments::RailParts::Rest rest{store,
                                 directory,
                                 settlement,
                                 chart,
                                 confirm,
                                 approvals.approving(),
                                 limits.directory(),
                                 pricing.pricing(),
                                 payees.check(),
                                 book,
                                 page};
  rails.Start(process, pool, ledger_channel, auth, std::move(rest),
              [&recovery] { recovery.Wake(); });
  reconcile.Start(process.executor(), rails.rails());
  std::vector<rpc::Service*> services = rails.services();
  services.insert(services.end(),
                  {&service, &charges.charges(), &charges.disputes(), &pricing.service(),
                   &limits.service(), &orders.schedules(), &orders.bulks(), &orders.requests(),
                   &reconcile.reconciliation(), &reconcile.timelines(), &trail.service()});
  const int status = process.Serve(std::move(services), &authenticator,
                                   {{"database", [&pool] { return pool.Ping(); }}});
  StopAll(recovery, reconcile, orders, rails, pricing, limits, trail, process.runtime());
  return status;
}
