// Accrues interest for each day that is over, and books it at the end of each period.
//
//   1. days that are closed are claimed, one of each account; another process skips them
//   2. the ledger says what the accounts had at the end of the day, each book of it for its own
//   3. the day is written: what accrued, what is carried on, and, where a period ends, what is to
//      be booked; all of that or nothing, and once for each account and day
//   4. what is to be booked is posted by the ledger under an id that follows from account, plan,
//      period and attempt, in the account's book, and what became of it is recorded
//
// After a crash at any point somebody claims the day, or the booking, again. After a downtime of
// days each of them is done in its turn.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "florin/ledger/v1/sandbox.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/ahead_clock.h"
#include "services/accounts/store/interest_store.h"

namespace florin::accounts {

// Follows the clock of the sandbox, which payments puts forward: the ledger knows. Thread-safe.
class SandboxClock {
 public:
  // References outlive this.
  SandboxClock(ledger::v1::LedgerSandboxClient& ledger, AheadClock& clock, std::string book)
      : ledger_(ledger), clock_(clock), book_(std::move(book)) {}

  // Puts the clock as far ahead as the ledger's is. Errors: the ledger's.
  Task<absl::Status> Follow();

 private:
  ledger::v1::LedgerSandboxClient& ledger_;
  AheadClock& clock_;
  const std::string book_;
};

// One round at a time; settling at any time.
class InterestJob {
 public:
  // `book`: the usual one. References outlive this.
  InterestJob(InterestStore& store, ledger::v1::LedgerClient& ledger,
              ledger::v1::LedgerReaderClient& reader, Clock& clock, std::string book)
      : store_(store), ledger_(ledger), reader_(reader), clock_(clock), book_(std::move(book)) {}

  // One round of an async::Worker: some batches of days, then some of bookings. Gives how many of
  // both. Errors: the first; logged, too. What was claimed then is claimed again a minute later.
  Task<absl::StatusOr<int>> RunOnce();

  // Books what the account has accrued until now, and tries what is still to be booked of it: for
  // an account that is about to be closed. What the ledger refuses is no error. Thread-safe.
  // Errors: kUnavailable, kDeadlineExceeded: repeat.
  Task<absl::Status> Settle(Uuid account_id);

 private:
  // One batch; 0 when nothing is due.
  Task<absl::StatusOr<int>> AccrueBatch();
  Task<absl::StatusOr<int>> BookBatch();
  // What one book refuses to hear does not hold up the others.
  Task<absl::Status> Book(std::vector<InterestBooking> due, absl::Time now);
  // Those of one book.
  Task<absl::Status> BookIn(std::string book, std::vector<InterestBooking> due, absl::Time now);
  // Those of one book and instant, whose balances are one call.
  Task<absl::Status> AccrueIn(std::string book, std::vector<DueInterest> due, absl::Time instant);
  Task<absl::Status> OpenHouseAccounts(std::string book, std::vector<InterestBooking> bookings);

  InterestStore& store_;
  ledger::v1::LedgerClient& ledger_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
  const std::string book_;
  std::mutex mutex_;
  // In these books of the ledger, for sure. Guarded by mutex_.
  std::set<std::pair<std::string, InterestHouseAccount>> open_;
};

}  // namespace florin::accounts
