#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "libs/async/worker.h"
#include "libs/clock/ahead_clock.h"
#include "libs/config/config.h"
#include "libs/process/process.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/flow/book_watch.h"
#include "services/ledger/flow/hold_expiry.h"
#include "services/ledger/main_export.h"
#include "services/ledger/main_log.h"
#include "services/ledger/rpc/export_service.h"
#include "services/ledger/rpc/ledger_service.h"
#include "services/ledger/rpc/reader_service.h"
#include "services/ledger/rpc/sandbox_service.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_log_store.h"
#include "services/ledger/store/pg_store.h"

ABSL_FLAG(std::string, book, "main", "Name of a book that is made at start unless it is there.");
ABSL_FLAG(
    std::vector<std::string>, books, {},
    "Names of more books, separated by commas, that are made at start unless they are there.");
ABSL_FLAG(std::vector<std::string>, indexed_metadata, {"payment_id"},
          "Keys of metadata, separated by commas, that the book's transactions can be found by.");
ABSL_FLAG(std::string, read_database, "",
          "PostgreSQL conninfo of a replica to read from, over as many connections as --database "
          "has. Empty: reads share those of --database.");
ABSL_FLAG(bool, sandbox, false,
          "Let florin-payments put the clock of this ledger ahead. Never with real money.");

namespace {

// The pool of --read_database; null if there is none. Readiness does not depend on it: without it
// there are no reads, but postings.
std::unique_ptr<florin::pg::Pool> ReplicaPool(const florin::process::Process& process) {
  const std::string replica = absl::GetFlag(FLAGS_read_database);
  if (replica.empty()) return nullptr;
  florin::pg::PoolOptions database = process.Database(florin::ledger::PgBookReader::Statements());
  database.conninfo = replica;
  database.settings = florin::ledger::PgStore::Settings();
  return std::make_unique<florin::pg::Pool>(std::move(database));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;  // NOLINT: main() only wires.
  process::Process process(argc, argv, "ledger", "Exact double-entry bookkeeping.");
  process.MigrateAndExitIfAsked();

  const std::string book = absl::GetFlag(FLAGS_book);
  std::vector<std::string> books = absl::GetFlag(FLAGS_books);
  books.push_back(book);
  for (const std::string& one : books) {
    if (ledger::IsBookName(one)) continue;
    config::ExitIfError(Error(Reason::kInvalidField, "1 to 64 characters of [a-z0-9_.-]"),
                        "--book, --books");
  }
  const std::string log = ledger::LogOrigin(book);
  ledger::ExportOrImportAndExitIfAsked(process, log);
  std::vector<pg::Statement> statements = ledger::PgStore::Statements();
  for (const pg::Statement& one : ledger::PgBookReader::Statements()) statements.push_back(one);
  for (const pg::Statement& one : ledger::PgLogStore::Statements()) statements.push_back(one);
  pg::PoolOptions database = process.Database(std::move(statements));
  database.settings = ledger::PgStore::Settings();
  pg::Pool pool(database);
  ledger::PgStore store(pool);
  const std::unique_ptr<pg::Pool> replica = ReplicaPool(process);
  pg::Pool& read_pool = replica != nullptr ? *replica : pool;
  ledger::PgBookReader reader(read_pool);
  const std::vector<std::string> keys = absl::GetFlag(FLAGS_indexed_metadata);
  for (const std::string& one : books) {
    config::ExitIfError(
        process.runtime().Run(store.EnsureBook(one, std::set(keys.begin(), keys.end()))),
        "making the book");
  }
  ledger::BookWatch watch(process.executor(), reader);
  AheadClock clock(SystemClock());
  ledger::PostingBatcher batcher(
      process.executor(), store, clock,
      [&watch](const std::string& changed) { watch.Wake(changed); }, &SystemClock());
  ledger::LedgerRpc service(store, batcher, clock);
  ledger::LedgerReaderRpc reads(reader, watch, SystemClock());
  ledger::HoldExpiry expiry(store, batcher, clock);
  ledger::SignedLog signed_log(process.executor(), store, pool, log);
  ledger::ExportRpc exports([&database, &log](const std::string& name) {
    return ledger::BookExport::Open(database.conninfo, name, log);
  });
  async::Worker sweeper(process.executor(), [&expiry] { return expiry.RunOnce(); });
  ledger::SandboxRpc sandbox(clock, absl::GetFlag(FLAGS_sandbox), [&sweeper] { sweeper.Wake(); });
  const int status = process.Serve({&service, &reads, &signed_log.proofs(), &exports, &sandbox},
                                   nullptr, {{"database", [&pool] { return pool.Ping(); }}});
  sweeper.Stop();
  signed_log.Stop();
  process.runtime().Stop();  // Before the batcher goes.
  return status;
}
