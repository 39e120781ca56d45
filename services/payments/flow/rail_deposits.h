// The way of money that a rail has received (domain/rail_deposit.h has its stages):
//
//   1. the deposit is kept under the rail's id of it, however often it is notified
//   2. whose it is follows from its reference, and is decided once and for ever
//   3. it is credited by a payment of kind deposit, and then the rail's settlement is booked; or,
//   if
//      nobody is found, or the account takes nothing more, it is booked to suspense
//
// The rail notifies until it is told that all of this is done, so that a crash anywhere needs no
// other recovery.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/domain/rail_deposit.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/deposit_store.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe.
class RailDeposits {
 public:
  // References outlive this. `suspense` is told of what is booked there.
  RailDeposits(Store& payments, DepositStore& deposits, AccountDirectory& accounts,
               Settlement& settlement, ChartAccounts& chart, Clock& clock, IdSource& ids,
               SuspenseStore* suspense = nullptr)
      : payments_(payments),
        deposits_(deposits),
        accounts_(accounts),
        settlement_(settlement),
        chart_(chart),
        clock_(clock),
        ids_(ids),
        suspense_(suspense) {}

  // Idempotent. An error: not done yet, notify again.
  Task<absl::Status> Receive(std::string rail, RailEntry entry);

 private:
  Task<absl::StatusOr<RailDeposit>> Step(RailDeposit deposit);
  Task<absl::StatusOr<RailDeposit>> FindOwner(RailDeposit deposit);
  Task<absl::StatusOr<RailDeposit>> Credit(RailDeposit deposit);
  Task<absl::StatusOr<RailDeposit>> BookIn(RailDeposit deposit, DepositStage to);

  Store& payments_;
  DepositStore& deposits_;
  AccountDirectory& accounts_;
  Settlement& settlement_;
  ChartAccounts& chart_;
  Clock& clock_;
  IdSource& ids_;
  SuspenseStore* const suspense_;  // Null: nobody keeps what is in suspense.
};

// Takes what rails notify of, and tells them when it is done. Several may run. Thread-safe.
class RailInbox {
 public:
  // References outlive this.
  RailInbox(Rails rails, Payouts& payouts, RailDeposits& deposits)
      : rails_(std::move(rails)), payouts_(payouts), deposits_(deposits) {}

  // One round of the worker over all rails. Gives how many notifications there were. Error: that of
  // a rail which does not tell; what could not be done is logged, and notified again.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  Task<absl::Status> Handle(std::string rail, const RailEntry& entry);

  const Rails rails_;
  Payouts& payouts_;
  RailDeposits& deposits_;
};

}  // namespace florin::payments
