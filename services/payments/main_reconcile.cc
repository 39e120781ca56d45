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

Task<absl::Status> Round(Reconcile& reconcile) {
  const absl::StatusOr<ReconcileResult> result = co_await reconcile.RunOnce();
  if (!result.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "reconciliation failed",
                   {{"error", std::string(result.status().message())}});
  }
  co_return result.status();
}

}  // namespace

ReconcileParts::ReconcileParts(pg::Pool& pool, AccountDirectory& accounts, rpc::Channel& ledger,
                               std::string book, Clock& clock)
    : reader_(&ledger),
      store_(pool),
      charges_(pool),
      parties_(charges_, accounts),
      vain_(store_, clock),
      reconcile_(store_, reader_, clock, std::move(book), PauseBetweenBatches),
      reconciliation_(store_, charges_, reconcile_, clock),
      timelines_(parties_, store_, charges_, reconcile_) {}

void ReconcileParts::Start(Executor executor) {
  const absl::Duration interval = IntervalOrExit();
  if (interval == absl::ZeroDuration()) return;
  const async::WorkerPauses pauses{.usual = interval, .longest = interval};
  worker_.emplace(
      std::move(executor), [this] { return Round(reconcile_); }, pauses);
}

void ReconcileParts::Stop() {
  if (worker_) worker_->Stop();
}

}  // namespace florin::payments
