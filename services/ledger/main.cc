#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/process/process.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/rpc/ledger_service.h"
#include "services/ledger/store/pg_store.h"

ABSL_FLAG(std::string, book, "main", "Name of a book that is made at start unless it is there.");

int main(int argc, char** argv) {
  using namespace florin;  // NOLINT: main() only wires.
  process::Process process(argc, argv, "ledger", "Exact double-entry bookkeeping.");
  process.MigrateAndExitIfAsked();

  const std::string book = absl::GetFlag(FLAGS_book);
  if (!ledger::IsBookName(book)) {
    config::ExitIfError(Error(Reason::kInvalidField, "1 to 64 characters of [a-z0-9_.-]"),
                        "--book");
  }
  pg::PoolOptions database = process.Database(ledger::PgStore::Statements());
  database.settings = ledger::PgStore::Settings();
  pg::Pool pool(database);
  ledger::PgStore store(pool);
  config::ExitIfError(process.runtime().Run(store.EnsureBook(book)), "making the book");
  ledger::PostingBatcher batcher(process.executor(), store, SystemClock());
  ledger::LedgerRpc service(store, batcher);
  const int status =
      process.Serve({&service}, nullptr, {{"database", [&pool] { return pool.Ping(); }}});
  process.runtime().Stop();  // Before the batcher goes.
  return status;
}
