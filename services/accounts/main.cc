// florin-accounts: customers and the accounts they hold.
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/worker.h"
#include "libs/audit/trail.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/identity/bearer_authenticator.h"
#include "libs/ids/ids.h"
#include "libs/process/process.h"
#include "services/accounts/flow/open_account.h"
#include "services/accounts/main_account_states.h"
#include "services/accounts/main_customers.h"
#include "services/accounts/main_holders.h"
#include "services/accounts/main_interest.h"
#include "services/accounts/main_payees.h"
#include "services/accounts/pages/statements_rpc.h"
#include "services/accounts/rpc/accounts_rpc.h"
#include "services/accounts/store/pg_store.h"

ABSL_FLAG(std::string, auth_target, "127.0.0.1:7001", "host:port of florin-auth.");
ABSL_FLAG(
    std::string, ledger_target, "127.0.0.1:7004",
    "host:port of florin-ledger. Several, separated by commas, share the books: the calls of a "
    "book "
    "go to the first of them that can be reached in the order of its rendezvous hash. List the "
    "same ones in every service.");
ABSL_FLAG(std::string, book, "main",
          "The ledger book that customers' accounts are in unless they say another one.");
ABSL_FLAG(
    std::vector<std::string>, books, {},
    "More ledger books, separated by commas, that accounts may be opened in (docs/books.md).");
ABSL_FLAG(std::string, statement_font, "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
          "TrueType font of statements in PDF; it should have the letters of customers' names.");

namespace {

florin::Task<absl::Status> Round(florin::accounts::OpenAccount& open) {
  co_return (co_await open.FinishOnce()).status();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;
  process::Process process(argc, argv, "accounts", "Customers and their accounts.");
  process.MigrateAndExitIfAsked();

  rpc::Channel auth = process.Connect("auth", absl::GetFlag(FLAGS_auth_target));
  rpc::Channel ledger_channel = process.Connect("ledger", absl::GetFlag(FLAGS_ledger_target));
  ledger::v1::LedgerClient ledger(&ledger_channel);
  ledger::v1::LedgerReaderClient ledger_reader(&ledger_channel);
  identity::BearerAuthenticator authenticator(auth, SystemClock(), process.issuer());
  asio::co_spawn(process.executor(), authenticator.WatchRevocations(), asio::detached);

  std::vector<pg::Statement> statements = accounts::PgStore::Statements();
  for (auto& more : {audit::Trail::Statements(), accounts::CustomerParts::Statements(),
                     accounts::AccountStateParts::Statements(), accounts::HolderParts::Statements(),
                     accounts::InterestParts::Statements(), accounts::PayeeParts::Statements()}) {
    statements.insert(statements.end(), more.begin(), more.end());
  }
  const auto personal_data = accounts::PersonalDataOrExit();
  pg::PoolOptions database = process.Database(std::move(statements));
  database.settings = pg::KeyedAccessSettings();
  pg::Pool pool(std::move(database));
  audit::Trail trail(process.executor(), pool, "accounts");
  accounts::PgStore store(pool, *personal_data);
  const std::string book = absl::GetFlag(FLAGS_book);
  const accounts::Books books = config::ValueOrExit(
      accounts::Books::Make(book, absl::GetFlag(FLAGS_books)), "--book, --books");
  accounts::OpenAccount open(store, ledger, SystemClock(), SystemIds(), book);
  accounts::HolderParts holders(pool, *personal_data, SystemClock(), SystemIds());
  accounts::PayeeParts payees(pool, *personal_data, store, SystemClock(), SystemIds());
  accounts::AccountsRpc service(store, holders.store(), open, ledger_reader, SystemClock(),
                                SystemIds(), books);
  accounts::StatementsRpc statements_rpc(holders.store(), ledger_reader, SystemClock(), book,
                                         absl::GetFlag(FLAGS_statement_font));
  accounts::InterestParts interest(process.executor(), pool, ledger_channel, book);
  accounts::AccountStateParts states(
      process.executor(), pool, *personal_data, ledger, ledger_reader, SystemClock(), book,
      [&interest](Uuid account) { return interest.job().Settle(account); });
  accounts::CustomerParts customers(process.executor(), pool, *personal_data, holders.store(),
                                    payees.store(), ledger, ledger_reader, trail.recorder(),
                                    states.telling(), book);

  async::Worker worker(process.executor(), [&open] { return Round(open); });
  const int status = process.Serve(
      {&service, &holders.service(), &payees.service(), &statements_rpc, &states.service(),
       &customers.service(), &interest.service(), &trail.service()},
      &authenticator, {{"database", [&pool] { return pool.Ping(); }}});
  worker.Stop();
  interest.Stop();
  customers.Stop();
  states.Stop();
  trail.Stop();
  // Before the parts that coroutines use go.
  process.runtime().Stop();
  return status;
}
