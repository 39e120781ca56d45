// florin-payments: payment intents, and the way of their money through the ledger.
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "florin/accounts/v1/accounts.rpc.h"
#include "florin/auth/v1/approvals.rpc.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/proof.rpc.h"
#include "libs/async/worker.h"
#include "libs/audit/trail.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/identity/bearer_authenticator.h"
#include "libs/ids/ids.h"
#include "libs/process/process.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/payment_approvals.h"
#include "services/payments/flow/recovery.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/main_charges.h"
#include "services/payments/main_payees.h"
#include "services/payments/main_pricing.h"
#include "services/payments/rpc/payments_rpc.h"
#include "services/payments/store/pg_approval_store.h"
#include "services/payments/store/pg_store.h"

ABSL_FLAG(std::string, auth_target, "127.0.0.1:7001", "host:port of florin-auth.");
ABSL_FLAG(std::string, accounts_target, "127.0.0.1:7002", "host:port of florin-accounts.");
ABSL_FLAG(
    std::string, ledger_target, "127.0.0.1:7004",
    "host:port of florin-ledger. Several, separated by commas, share the books: the calls of a "
    "book "
    "go to the first of them that can be reached in the order of its rendezvous hash. List the "
    "same ones in every service.");
ABSL_FLAG(std::string, book, "main", "The ledger book that payments move money in.");
ABSL_FLAG(std::string, approval_policy, "",
          "Which transfers to accounts of other users their payers must approve (RTS Art. 5): none "
          "if empty; all; or CURRENCY:SINGLE:TOTAL,... in minor units: all but low values of these "
          "currencies (RTS Art. 16), e.g. EUR:3000:10000.");
ABSL_FLAG(bool, sandbox, false,
          "Offer the sandbox rail: deposits out of nothing. Never with real money.");

namespace {

constexpr std::size_t kRememberedAccounts = 200'000;

florin::Task<absl::Status> Round(florin::payments::Recovery& recovery,
                                 florin::payments::ChargeRecovery& charges) {
  const absl::StatusOr<int> payments = co_await recovery.RunOnce();
  const absl::StatusOr<int> steps = co_await charges.RunOnce();
  co_return payments.ok() ? steps.status() : payments.status();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;
  process::Process process(argc, argv, "payments", "Payments between accounts, exactly once.");
  process.MigrateAndExitIfAsked();
  Clock& clock = SystemClock();

  rpc::Channel auth = process.Connect("auth", absl::GetFlag(FLAGS_auth_target));
  rpc::Channel accounts_channel = process.Connect("accounts", absl::GetFlag(FLAGS_accounts_target));
  rpc::Channel ledger_channel = process.Connect("ledger", absl::GetFlag(FLAGS_ledger_target));
  accounts::v1::AccountsClient accounts(&accounts_channel);
  auth::v1::ApprovalsClient auth_approvals(&auth);
  ledger::v1::LedgerClient ledger(&ledger_channel);
  ledger::v1::LedgerProofClient proofs(&ledger_channel);
  identity::BearerAuthenticator authenticator(auth, SystemClock(), process.issuer());
  asio::co_spawn(process.executor(), authenticator.WatchRevocations(), asio::detached);

  const payments::ApprovalPolicy policy =
      config::ValueOrExit(payments::ParseApprovalPolicy(absl::GetFlag(FLAGS_approval_policy)),
                          "reading --approval_policy");
  std::vector<pg::Statement> statements = payments::PgStore::Statements();
  for (auto& more : payments::PgApprovalStore::Statements()) statements.push_back(std::move(more));
  for (auto& more : payments::PricingParts::Statements()) statements.push_back(std::move(more));
  for (auto& more : payments::ChargeParts::Statements()) statements.push_back(std::move(more));
  for (auto& more : audit::Trail::Statements()) statements.push_back(std::move(more));
  pg::PoolOptions database = process.Database(std::move(statements));
  database.settings = pg::KeyedAccessSettings();
  pg::Pool pool(std::move(database));
  audit::Trail trail(process.executor(), pool, "payments");
  payments::PgStore store(pool);
  payments::PgApprovalStore approval_store(pool);
  const std::string book = absl::GetFlag(FLAGS_book);
  payments::AccountDirectory directory(accounts, kRememberedAccounts);
  payments::PricingParts pricing(process.executor(), pool, clock);
  payments::ChartAccounts chart(ledger, book);
  payments::Settlement settlement(process.executor(), store, ledger, chart, clock, book);
  payments::PaymentApprovals approvals(auth_approvals);
  payments::CreatePayment create(process.executor(), store, directory, settlement, clock,
                                 SystemIds(), {approval_store, approvals, policy},
                                 pricing.pricing());
  payments::PayeeParts payees(accounts_channel, create, clock);
  payments::ConfirmPayment confirm(approval_store, approvals, settlement, clock);
  payments::Recovery recovery(store, settlement, approval_store, confirm, clock);
  payments::ChargeParts charges(process.executor(), pool, settlement, directory, ledger, auth, book,
                                clock);
  payments::PaymentsRpc service(create, confirm, charges.parties(), charges.steps(), store, proofs,
                                book, absl::GetFlag(FLAGS_sandbox),
                                process.issuer() + "/auth/approval");

  async::Worker worker(process.executor(), [&] { return Round(recovery, charges.recovery()); });
  const int status = process.Serve(
      {&service, &charges.charges(), &charges.disputes(), &pricing.service(), &trail.service()},
      &authenticator, {{"database", [&pool] { return pool.Ping(); }}});
  worker.Stop();
  pricing.Stop();
  trail.Stop();
  // Before the parts that coroutines use go.
  process.runtime().Stop();
  return status;
}
