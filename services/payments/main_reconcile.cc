#include "services/payments/main_reconcile.h"

#include <utility>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "libs/async/runtime.h"
#include "libs/config/config.h"
#include "libs/telemetry/log.h"

ABSL_FLAG(absl::Duration, reconcile_interval, absl::Minutes(10),
          "How often payments are compared with the ledger (docs/reconciliation.md); 0: never by "
          "itself.");

namespace florin::payments {
namespace {

absl::Duration IntervalOrExit() {
  const absl::Duration interval = absl::GetFlag(FLAGS_reconcile_interval);
  if (interval < absl::ZeroDuration()) {
    config::ExitIfError(Error(Reason::kInvalidField, "zero or more"),
                        "reading --reconcile_interval");
  }
  return interval;
}

// Of 500: no more than 10'000 payments, steps or transactions are compared in a second.
constexpr absl::Duration kBetweenBatches = absl::Milliseconds(50);

Task<void> PauseBetweenBatches() { return async::Sleep(kBetweenBatches); }

absl::Status Noted(const absl::Status& status, std::string_view what) {
  if (!status.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, what, {{"error", std::string(status.message())}});
  }
  return status;
}

// A rail that does not answer keeps nobody from being compared with the ledger.
Task<absl::Status> Round(Reconcile& reconcile, RailReconcile& rails) {
  const absl::Status ledger =
      Noted((co_await reconcile.RunOnce()).status(), "reconciliation failed");
  const absl::Status rail =
      Noted((co_await rails.RunOnce()).status(), "reconciliation with rails failed");
  if (!ledger.ok()) co_return ledger;
  if (!rail.ok()) co_return rail;
  co_return co_await reconcile.ShowExposure();
}

}  // namespace

ReconcileParts::ReconcileParts(pg::Pool& pool, AccountDirectory& accounts, LimitParts& limits,
                               rpc::Channel& ledger, std::string book, Clock& clock)
    : reader_(&ledger),
      store_(pool),
      charges_(pool),
      parties_(charges_, accounts),
      vain_(store_, clock),
      lines_(pool),
      origins_(pool),
      limits_(limits.directory(), reader_, book),
      reconcile_(store_, reader_, clock, book, PauseBetweenBatches),
      rail_reconcile_(lines_, store_, reader_, clock, std::move(book)),
      reconciliation_(store_, charges_, reconcile_, rail_reconcile_, clock),
      timelines_(parties_, store_, charges_, origins_, limits_, reconcile_) {}

std::vector<pg::Statement> ReconcileParts::Statements() {
  std::vector<pg::Statement> all = PgReconcileStore::Statements();
  for (auto& more : PgRailReconcileStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgTimelineStore::Statements()) all.push_back(std::move(more));
  return all;
}

void ReconcileParts::Start(Executor executor, Rails rails) {
  rail_reconcile_.Use(std::move(rails));
  const absl::Duration interval = IntervalOrExit();
  if (interval == absl::ZeroDuration()) return;
  const async::WorkerPauses pauses{.usual = interval, .longest = interval};
  worker_.emplace(
      std::move(executor), [this] { return Round(reconcile_, rail_reconcile_); }, pauses);
}

void ReconcileParts::Stop() {
  if (worker_) worker_->Stop();
}

}  // namespace florin::payments
