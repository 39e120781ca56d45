// Finds the accounts in which nothing has happened for long, once a day, and has them sleep. What
// counts is the ledger's last entry of any kind but interest and charges, who caused it the ledger
// does not know; and the account's opening, and when its owner last woke it.
#pragma once

#include <string>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/flow/freeze_telling.h"
#include "services/accounts/store/account_state_store.h"

namespace florin::accounts {

// For one worker.
class Dormancy {
 public:
  // References outlive this. `book`: the usual one. `after` zero: accounts never sleep.
  Dormancy(AccountStateStore& store, ledger::v1::LedgerReaderClient& reader, FreezeTelling& telling,
           Clock& clock, IdSource& ids, std::string book, absl::Duration after)
      : store_(store),
        reader_(reader),
        telling_(telling),
        clock_(clock),
        ids_(ids),
        book_(std::move(book)),
        after_(after) {}

  // One round of an async::Worker: looks at all accounts if it is a day since it last did so
  // without a failure. Gives how many fell asleep. Errors are logged, too; the next round begins
  // again.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::StatusOr<int>> LookAtAll(absl::Time now);
  // Whether it fell asleep.
  Task<absl::StatusOr<bool>> LookAt(const AccountRecord& record, absl::Time now);
  Task<absl::StatusOr<absl::Time>> LastEntryTime(const Account& account);

  AccountStateStore& store_;
  ledger::v1::LedgerReaderClient& reader_;
  FreezeTelling& telling_;
  Clock& clock_;
  IdSource& ids_;
  const std::string book_;
  const absl::Duration after_;
  absl::Time next_run_ = absl::InfinitePast();
};

}  // namespace florin::accounts
