// Closes or erases a customer in two places, so that a crash between them is finished later.
//
//   1. its accounts are looked at in the ledger: none may have a balance or a hold
//   2. the row says that the customer leaves, and where to; from now on no account is opened
//   3. the ledger closes the accounts (idempotent), so that no money comes any more
//   4. they are looked at again. Money that came between 1 and 3: they are reopened, the customer
//      stays, and it is refused as in 1
//   5. accounts, customer and, if it is erased, its data go in one transaction
//
// A retry, or the worker, goes on from wherever a crash has left it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/accounts/store/customer_store.h"

namespace florin::accounts {

// Thread-safe.
class LeaveCustomer {
 public:
  struct Request {
    Uuid user_id;
    Uuid customer_id;
    CustomerEvent what = CustomerEvent::kClose;  // Or kErase.
    audit::Origin origin = {};
  };

  // References outlive this. `book`: the usual one.
  LeaveCustomer(CustomerStore& store, ledger::v1::LedgerClient& ledger,
                ledger::v1::LedgerReaderClient& reader, Clock& clock, std::string book);

  // `context` is for the calls made as this service. Gives the customer as closed or erased; again
  // for one who is so already. Errors: kCustomerNotFound, those of NextState (above all
  // kCustomerHasAccounts), kCustomerNotActive for one who is leaving the other way; kUnavailable
  // and kDeadlineExceeded: the worker goes on.
  Task<absl::StatusOr<Customer>> Run(rpc::Outgoing context, Request request);

  // One round of an async::Worker: goes on with customers who have been leaving for longer than a
  // request takes. Gives how many it finished. Errors: those of the last failure if it finished
  // none; logged, too.
  Task<absl::StatusOr<int>> FinishOnce();

 private:
  using Ids = std::vector<std::string>;        // `acc_…`
  using InBooks = std::map<std::string, Ids>;  // By book.

  Task<absl::StatusOr<CustomerRecord>> BeginLeaving(rpc::Outgoing context, const Request& request);
  // Steps 3 to 5.
  Task<absl::StatusOr<Customer>> Finish(rpc::Outgoing context, CustomerRecord record,
                                        audit::Origin origin);
  Task<absl::Status> Stay(rpc::Outgoing context, CustomerRecord record, InBooks accounts,
                          audit::Origin origin);
  Task<absl::StatusOr<InBooks>> OpenAccountsOf(const CustomerRecord& record);
  // Whether all of them are empty and, if that is asked for, closed.
  Task<absl::StatusOr<bool>> AreEmpty(rpc::Outgoing context, InBooks accounts, bool and_closed);
  Task<absl::StatusOr<bool>> AreEmptyIn(rpc::Outgoing context, std::string book, Ids accounts,
                                        bool and_closed);
  // Closes or reopens them; those that are so already are no error.
  Task<absl::Status> SetClosed(rpc::Outgoing context, InBooks accounts, bool closed, int attempt);
  Task<absl::Status> SetClosedIn(rpc::Outgoing context, std::string book, Ids accounts, bool closed,
                                 int attempt);

  CustomerStore& store_;
  ledger::v1::LedgerClient& ledger_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
  const std::string book_;
};

}  // namespace florin::accounts
