#include "services/ledger/flow/hold_expiry.h"

#include <utility>
#include <vector>

#include "libs/telemetry/metrics.h"
#include "services/ledger/domain/command_rules.h"

namespace florin::ledger {
namespace {

constexpr int kHoldsAtOnce = 500;

std::vector<Command> ExpiriesOf(const std::vector<Uuid>& holds) {
  std::vector<Command> commands;
  for (const Uuid& hold : holds) {
    Command command;
    command.transaction_id = ExpiryIdOf(hold);
    command.action = ExpireHold{hold};
    commands.push_back(std::move(command));
  }
  return commands;
}

int CommittedOf(const std::vector<Outcome>& outcomes) {
  int committed = 0;
  for (const Outcome& outcome : outcomes) committed += outcome.decision.refusal() == nullptr;
  return committed;
}

}  // namespace

Task<absl::Status> HoldExpiry::RunOnce() {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> books, co_await store_.ListBooks());
  for (const std::string& book : books) FLORIN_CO_RETURN_IF_ERROR(co_await Sweep(book));
  co_return absl::OkStatus();
}

Task<absl::Status> HoldExpiry::Sweep(std::string book) {
  while (true) {
    const absl::Time now = clock_.Now();
    FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Uuid> holds,
                               co_await store_.ExpiredHolds(book, now, kHoldsAtOnce));
    if (holds.empty()) co_return absl::OkStatus();
    std::vector<Command> commands = ExpiriesOf(holds);
    FLORIN_CO_ASSIGN_OR_RETURN(
        const std::vector<Outcome> outcomes,
        co_await batcher_.Post(book, std::move(commands), "ledger", absl::InfiniteFuture()));
    const int released = CommittedOf(outcomes);
    telemetry::Count("florin_ledger_holds_expired_total", {}, released);
    // None: resolved meanwhile, or another process's clock is behind.
    if (released == 0) co_return absl::OkStatus();
  }
}

}  // namespace florin::ledger
