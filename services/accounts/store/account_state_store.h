// How accounts stand after they were opened, and what the ledger is to freeze of them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/account_machine.h"

namespace florin::accounts {

// An account with everything that decides what may happen to it.
struct AccountRecord {
  Account account;
  AccountStanding standing = {};
  // Of its customer; not to be changed here.
  bool customer_active = true;  // And not leaving.

  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

// Whose account: without a user, anybody's (an operator's or a worker's call).
struct AccountRef {
  std::optional<Uuid> user_id;
  Uuid account_id;
};

// What becomes of an account, decided under the lock of its customer's row. May be asked several
// times.
struct AccountDecided {
  AccountStanding after;
  std::map<std::string, std::string> details = {};  // Of the event. No personal data.
};
using DecideAccount = std::function<absl::StatusOr<AccountDecided>(const AccountRecord& before)>;

// What the ledger is to be told: from this revision on exactly these sides are frozen. Revisions of
// an account are 1, 2, 3, …, and are never changed: whoever tells the ledger tells it all before
// the last one, each under an id of its own, so that what comes late has had its turn already.
struct FreezeRevision {
  Uuid account_id;
  std::int64_t revision = 0;
  Sides frozen;
  std::string book = {};  // As of Account.

  friend bool operator==(const FreezeRevision&, const FreezeRevision&) = default;
};

// Which revisions: those of one account, of one customer's accounts, or all.
struct FreezesOf {
  std::optional<Uuid> account_id = {};
  std::optional<Uuid> customer_id = {};
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable, kInternal. Knows accounts that are open here, and those that
// were closed while their customer was not; CustomerStore suspends the accounts of its customers.
class AccountStateStore {
 public:
  virtual ~AccountStateStore() = default;

  // Error: kAccountNotFound, also for another user's.
  virtual Task<absl::StatusOr<AccountRecord>> FindAccount(AccountRef ref) = 0;
  // Gives the account as it is afterwards. `event` (with the details of `decide`) is recorded if
  // something changes. What is to be frozen becomes a revision, and an account whose life is closed
  // is closed for everybody, in the same transaction. Errors: kAccountNotFound; those of `decide`,
  // and nothing changes then.
  virtual Task<absl::StatusOr<AccountRecord>> ChangeAccount(AccountRef ref, DecideAccount decide,
                                                            audit::Event event) = 0;

  // Revisions that the ledger was not told, as far as it knows the account: in the order of
  // accounts and then of revisions, at most `limit`.
  virtual Task<absl::StatusOr<std::vector<FreezeRevision>>> ListUntold(FreezesOf of, int limit) = 0;
  virtual Task<absl::Status> MarkTold(std::vector<FreezeRevision> revisions) = 0;

  // Accounts that are being closed and due at `now`, at most `limit`; they are due again at
  // `next_attempt_time`. What one caller has claimed no other one is given before that.
  virtual Task<absl::StatusOr<std::vector<AccountRecord>>> ClaimClosing(
      absl::Time now, absl::Time next_attempt_time, int limit) = 0;
  // Open accounts of active customers that were opened at `created` or before, in the order of
  // their ids, at most `limit`; only those after `after`, if given.
  virtual Task<absl::StatusOr<std::vector<AccountRecord>>> ListAwake(std::optional<Uuid> after,
                                                                     absl::Time created,
                                                                     int limit) = 0;
};

}  // namespace florin::accounts
