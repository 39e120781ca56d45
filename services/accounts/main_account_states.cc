#include "services/accounts/main_account_states.h"

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "libs/ids/ids.h"

ABSL_FLAG(absl::Duration, dormant_after, absl::ZeroDuration(),
          "Accounts without an entry for so long, e.g. 17520h, become dormant: nothing goes out "
          "until their owner wakes them (docs/accounts.md). 0: never.");

namespace florin::accounts {
namespace {

// It looks at all accounts once a day; the rounds between only see that it is not time.
constexpr async::WorkerPauses kSleepPauses{.usual = absl::Minutes(1), .longest = absl::Minutes(10)};

// Both, whatever becomes of the first.
Task<absl::Status> Round(FreezeTelling& telling, CloseAccount& close) {
  const absl::Status told = co_await telling.RunOnce();
  const absl::StatusOr<int> closed = co_await close.FinishOnce();
  co_return told.ok() ? closed.status() : told;
}

Task<absl::Status> SleepRound(Dormancy& dormancy) {
  co_return (co_await dormancy.RunOnce()).status();
}

}  // namespace

std::vector<pg::Statement> AccountStateParts::Statements() {
  return PgAccountStateStore::Statements();
}

AccountStateParts::AccountStateParts(Executor executor, pg::Pool& pool, PersonalData& data,
                                     ledger::v1::LedgerClient& ledger,
                                     ledger::v1::LedgerReaderClient& reader, Clock& clock,
                                     const std::string& book, CloseAccount::Settle settle)
    : store_(pool, data),
      telling_(store_, ledger, book),
      changes_(store_, telling_, clock, SystemIds()),
      close_(store_, ledger, reader, clock, book, std::move(settle)),
      dormancy_(store_, reader, telling_, clock, SystemIds(), book,
                absl::GetFlag(FLAGS_dormant_after)),
      rpc_(store_, changes_, close_),
      worker_(executor, [this] { return Round(telling_, close_); }),
      sleep_worker_(
          executor, [this] { return SleepRound(dormancy_); }, kSleepPauses) {}

void AccountStateParts::Stop() {
  worker_.Stop();
  sleep_worker_.Stop();
}

}  // namespace florin::accounts
