#include "services/accounts/main_interest.h"

#include "absl/flags/flag.h"

ABSL_FLAG(
    bool, sandbox, false,
    "Days of interest are those of the sandbox's clock, as the ledger has it. Never with real "
    "money.");

namespace florin::accounts {

InterestParts::InterestParts(Executor executor, pg::Pool& pool, rpc::Channel& ledger,
                             const std::string& book)
    : clock_(SystemClock()),
      store_(pool),
      ledger_(&ledger),
      reader_(&ledger),
      sandbox_(&ledger),
      sandbox_clock_(sandbox_, clock_, book),
      job_(store_, ledger_, reader_, clock_, book),
      plans_(store_, clock_),
      rpc_(store_, plans_),
      worker_(executor, [this] { return Round(); }) {}

Task<absl::Status> InterestParts::Round() {
  if (absl::GetFlag(FLAGS_sandbox)) {
    FLORIN_CO_RETURN_IF_ERROR(co_await sandbox_clock_.Follow());
  }
  co_return (co_await job_.RunOnce()).status();
}

}  // namespace florin::accounts
