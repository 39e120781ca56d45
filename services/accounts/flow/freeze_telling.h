// Tells the ledger what to freeze. What is to be frozen was committed before (AccountStateStore);
// here it is told, and then that it was told is kept. A crash in between tells it again, under the
// same id; a telling that comes late finds its id decided, since every revision is told with all
// before it in their order. So the ledger always comes to stand at the last revision.
#pragma once

#include <string>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "services/accounts/store/account_state_store.h"

namespace florin::accounts {

// Thread-safe.
class FreezeTelling {
 public:
  // References outlive this. `book`: the usual one.
  FreezeTelling(AccountStateStore& store, ledger::v1::LedgerClient& ledger, std::string book)
      : store_(store), ledger_(ledger), book_(std::move(book)) {}

  // Tells all that was not told of these accounts. `context` is for calls made as this service.
  // Errors: kUnavailable, kDeadlineExceeded, kOverloaded: the worker goes on. kInternal.
  Task<absl::Status> Run(rpc::Outgoing context, FreezesOf of);

  // One round of an async::Worker: the same of everybody's. Errors are logged, too.
  Task<absl::Status> RunOnce();

 private:
  // Has the ledger freeze what they say.
  Task<absl::Status> Tell(rpc::Outgoing context, std::string book,
                          const std::vector<FreezeRevision>& untold);
  // Told and marked; how many there were.
  Task<absl::StatusOr<int>> TellSome(rpc::Outgoing context, FreezesOf of);

  AccountStateStore& store_;
  ledger::v1::LedgerClient& ledger_;
  const std::string book_;
};

}  // namespace florin::accounts
