// Closes an account in two places, with what is in it swept to another one of its owner's.
//
//   0. interest that has accrued is booked (docs/interest.md)
//   1. the ledger's account is looked at: nothing may be held, and a balance needs somewhere to go
//   2. the row says that the account is closing, and where its balance goes
//   3. the ledger moves exactly the balance and closes the account, both or neither, on condition
//      that the account has had no entry since it was looked at. If it has: looked at again. Ids
//      follow from the account, the attempt and the number of its entries, so that each is decided
//      once
//   4. the row says that it is closed; or, if the ledger could not (something is held by now, the
//      other account takes nothing), that it stays
//
// A retry, or the worker, goes on from wherever a crash has left it.
#pragma once

#include <functional>
#include <string>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/context.h"
#include "services/accounts/store/account_state_store.h"

namespace florin::accounts {

// Thread-safe.
class CloseAccount {
 public:
  struct Request {
    Uuid user_id;
    Uuid account_id;
    std::optional<Uuid> sweep_to = {};
    audit::Origin origin = {};
  };

  // Books what is still to be booked of an account before it is looked at.
  using Settle = std::function<Task<absl::Status>(Uuid account_id)>;

  // References outlive this. `book`: the usual one.
  CloseAccount(AccountStateStore& store, ledger::v1::LedgerClient& ledger,
               ledger::v1::LedgerReaderClient& reader, Clock& clock, std::string book,
               Settle settle = nullptr)
      : store_(store),
        ledger_(ledger),
        reader_(reader),
        clock_(clock),
        book_(std::move(book)),
        settle_(std::move(settle)) {}

  // `context` is for calls made as this service. Gives the account as closed; again for one that is
  // so already. Errors: kAccountNotFound, with param `sweep_to_account_id` if it is the other one;
  // kSameAccount, kCurrencyMismatch, kAccountClosed and kInvalidField (in another book) of the
  // other one; those of NextLife, above all kAccountNotEmpty; kAccountFrozen, kAccountClosed and
  // others that the ledger refuses the sweep with: the account stays then. kUnavailable (also of an
  // account that is too busy) and kDeadlineExceeded: the worker goes on.
  Task<absl::StatusOr<AccountRecord>> Run(rpc::Outgoing context, Request request);

  // One round of an async::Worker: goes on with accounts that have been closing for longer than a
  // request takes. Gives how many are over, closed or staying. Errors: those of the last failure if
  // it finished none; logged, too.
  Task<absl::StatusOr<int>> FinishOnce();

 private:
  Task<absl::Status> CheckTarget(const Request& request, const AccountRecord& record);
  Task<absl::StatusOr<AccountRecord>> Begin(const Request& request,
                                            const ledger::v1::Account& booked);
  // Steps 3 and 4.
  Task<absl::StatusOr<AccountRecord>> Finish(rpc::Outgoing context, AccountRecord record,
                                             audit::Origin origin);
  // Step 3, once. An error whose reason is kPreconditionFailed: look again.
  Task<absl::Status> SweepAndClose(rpc::Outgoing context, const AccountRecord& record,
                                   const ledger::v1::Account& booked);
  Task<absl::StatusOr<AccountRecord>> End(const AccountRecord& record, AccountEvent what,
                                          audit::Origin origin);
  Task<absl::StatusOr<ledger::v1::Account>> Look(rpc::Outgoing context, const Account& account);

  AccountStateStore& store_;
  ledger::v1::LedgerClient& ledger_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
  const std::string book_;
  const Settle settle_;
};

}  // namespace florin::accounts
