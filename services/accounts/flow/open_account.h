// Opens an account in two places, so that a crash between them is finished later.
//
//   1. the row is committed as `opening`, under (user, idempotency key)
//   2. the ledger opens its account of the same id (idempotent)
//   3. the row becomes `open`; from now on the account is there for everybody
//
// A retry with the same key, or the worker, goes on from wherever a crash has left it.
#pragma once

#include <string>

#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/context.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// Thread-safe.
class OpenAccount {
 public:
  struct Request {
    Uuid user_id;
    Uuid customer_id;
    Currency currency;
    std::string display_name;
    AccountKind kind = AccountKind::kWallet;
    std::string book = {};  // Books::Choose(). Empty: the usual one.
    std::string idempotency_key;
    audit::Origin origin = {};
  };
  struct Outcome {
    Account account;        // Open.
    bool replayed = false;  // An earlier request made it.
  };

  // References outlive this. `book`: the usual one.
  OpenAccount(Store& store, ledger::v1::LedgerClient& ledger, Clock& clock, IdSource& ids,
              std::string book);

  // `context` is for the call made as this service. Errors: kCustomerNotFound,
  // kIdempotencyKeyReused; kUnavailable and kDeadlineExceeded: repeat with the same key; kInternal
  // if the ledger refuses.
  Task<absl::StatusOr<Outcome>> Run(rpc::Outgoing context, Request request);

  // One round of an async::Worker: opens accounts that have been opening for longer than a request
  // takes. Gives how many it opened. Errors: those of the last failure if it opened none; logged,
  // too.
  Task<absl::StatusOr<int>> FinishOnce();

 private:
  // Steps 2 and 3.
  Task<absl::Status> Finish(rpc::Outgoing context, const Account& account);

  Store& store_;
  ledger::v1::LedgerClient& ledger_;
  Clock& clock_;
  IdSource& ids_;
  const std::string book_;
};

// `clock`'s time in whole microseconds, which is what the database keeps.
absl::Time NowInMicroseconds(Clock& clock);

}  // namespace florin::accounts
