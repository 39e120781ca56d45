// Steps 2 and 3 of a payment: the ledger decides, the decision is recorded.
//
// Both steps are idempotent, so a payment may be settled any number of times, by several processes
// at once, before and after crashes: its ledger transaction has one id, and the first recorded
// result stays.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "libs/async/batcher.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe. Outlives the calls under way: destroy it after the Runtime has stopped
// (async::Batcher).
class Settlement {
 public:
  // References outlive this.
  Settlement(Executor executor, Store& store, ledger::v1::LedgerClient& ledger,
             ChartAccounts& chart, Clock& clock, std::string book);

  // A payment that was to be approved is posted only if it is what was approved, to the last octet
  // (BindingOf()): otherwise it stays in processing, somebody must look, and the answer is
  // kInternal.
  //
  // Settles one payment in processing together with whatever else waits: one PostTransactions call
  // and one statement carry many. Gives the payment as it ended. Errors, all with the payment's id
  // in metadata `payment_id`, and all leaving the payment in processing (or ended, where only the
  // answer got lost): kUnavailable, kDeadlineExceeded, kOverloaded; kInternal if the ledger will
  // not decide.
  Task<absl::StatusOr<Payment>> Settle(Payment payment);

  // What became of payments that were settled at once.
  struct Settled {
    int ended = 0;
    // Those that the ledger does not decide, or that are not what was approved; and why.
    std::vector<std::pair<Payment, std::string>> undecided;
  };
  // Settles payments in processing at once, for the recovery worker. Those that have not ended stay
  // in processing. Errors: kUnavailable, kDeadlineExceeded, kOverloaded, kInternal: nothing is
  // known about any of them.
  Task<absl::StatusOr<Settled>> SettleAll(std::vector<Payment> payments);

  // Has the ledger decide a transaction of a payment that has none of its own for it
  // (charge_steps.h), in the same calls. Errors: kUnavailable, kDeadlineExceeded, kOverloaded,
  // kInternal: unknown.
  Task<absl::StatusOr<LedgerAnswer>> Decide(ledger::v1::TransactionInput transaction);

 private:
  using Transactions = std::vector<ledger::v1::TransactionInput>;

  Task<absl::StatusOr<Payment>> TrySettle(Payment payment);
  // The ledger's answers for `transactions`, in order.
  Task<absl::StatusOr<std::vector<LedgerAnswer>>> Post(Transactions transactions);
  Task<absl::StatusOr<std::vector<Payment>>> Record(std::vector<Payment> ended);
  std::optional<Payment> Apply(const Payment& payment, const LedgerAnswer& answer);

  Store& store_;
  ledger::v1::LedgerClient& ledger_;
  ChartAccounts& chart_;
  Clock& clock_;
  const std::string book_;
  async::Batcher<ledger::v1::TransactionInput, LedgerAnswer> posts_;
  async::Batcher<Payment, Payment> records_;
};

// `clock`'s time in whole microseconds, which is what the database keeps.
absl::Time NowInMicroseconds(Clock& clock);

}  // namespace florin::payments
