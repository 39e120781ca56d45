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
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/limit_buckets.h"
#include "services/payments/flow/payment_writes.h"
#include "services/payments/store/store.h"

namespace florin::payments {

class BookTransfers;

// Thread-safe. Outlives the calls under way: destroy it after the Runtime has stopped
// (async::Batcher).
class Settlement {
 public:
  // References outlive this. Without `limits` no payment may use any.
  Settlement(Executor executor, Store& store, ledger::v1::LedgerClient& ledger,
             ChartAccounts& chart, Clock& clock, std::string book, LimitBuckets* limits = nullptr);

  // From now on payments that say their books are settled by `books`, which outlives this. Before
  // the first payment.
  void UseBooks(BookTransfers& books) { books_ = &books; }
  // From now on what a frozen source has refused is said to be dormancy where `accounts`, which
  // outlives this, says so at that moment; also where it cannot be asked, it is `account_frozen`.
  // Before the first payment.
  void ExplainBy(AccountDirectory& accounts) { accounts_ = &accounts; }
  // The ledger's answer to the payment with the reason that its owner is told.
  Task<LedgerAnswer> Explain(const Payment& payment, LedgerAnswer answer);
  // The usual one.
  const std::string& book() const { return book_; }
  // Step 1, in the commits of step 3 (payment_writes.h).
  Task<absl::StatusOr<StoredIntent>> Insert(Intent intent);

  // A payment that was to be approved is posted only if it is what was approved, to the last octet
  // (BindingOf()): otherwise it stays in processing, somebody must look, and the answer is
  // kInternal.
  //
  // Settles one payment in processing together with whatever else waits: one PostTransactions call
  // and one statement carry many. Gives the payment as it ended; a payout in processing, whose
  // money is set aside then. Errors, all with the payment's id in metadata `payment_id`, and all
  // leaving the payment in processing (or ended, where only the answer got lost): kUnavailable,
  // kDeadlineExceeded, kOverloaded; kInternal if the ledger will not decide.
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

  // The same of transactions in another book, all linked but for the last; gives the answers in
  // order. Not batched: each book has its own pace.
  Task<absl::StatusOr<std::vector<LedgerAnswer>>> DecideIn(
      std::string book, std::vector<ledger::v1::TransactionInput> chain);

  // The same of a single one.
  Task<absl::StatusOr<LedgerAnswer>> DecideOneIn(std::string book,
                                                 ledger::v1::TransactionInput transaction);

  // As Decide(), of a transaction of `payment`, in the book that its payer's account is in.
  Task<absl::StatusOr<LedgerAnswer>> DecideFor(const Payment& payment,
                                               ledger::v1::TransactionInput transaction);

  // Gives back what a payment uses of limits, of which no money moved or ever will: as often as
  // wanted. What the ledger has given back already stays so. Errors: as Decide().
  Task<absl::Status> ReleaseLimits(const Payment& payment);

 private:
  // Linked: all of it commits, or nothing.
  using Chain = std::vector<ledger::v1::TransactionInput>;
  using Answers = std::vector<LedgerAnswer>;

  Task<absl::StatusOr<Payment>> TrySettle(Payment payment);
  // For SettleAll(), of payments that say their books.
  Task<absl::Status> SettleInBooks(std::vector<Payment> payments, Settled& settled);
  // Has what the payment's transactions name opened.
  Task<absl::Status> Prepare(const Payment& payment);
  // The ledger's answers for `chains`, in order.
  Task<absl::StatusOr<std::vector<Answers>>> Post(std::vector<Chain> chains);
  Task<absl::StatusOr<Answers>> PostOnce(const ledger::v1::PostTransactionsRequest& request);
  // What the answers to a payment's chain say of it.
  Task<absl::StatusOr<LedgerAnswer>> Interpret(const Payment& payment, Answers answers);
  Task<absl::StatusOr<Payment>> RecordOne(Payment ended);
  Task<absl::StatusOr<std::vector<Payment>>> Record(std::vector<Payment> ended);
  std::optional<Payment> Apply(const Payment& payment, const LedgerAnswer& answer);
  // As Apply(), of payments that a limit has refused before the ledger could.
  Payment RefuseByLimit(const Payment& payment);

  Store& store_;
  ledger::v1::LedgerClient& ledger_;
  ChartAccounts& chart_;
  Clock& clock_;
  const std::string book_;
  LimitBuckets* const limits_;
  BookTransfers* books_ = nullptr;
  AccountDirectory* accounts_ = nullptr;
  async::Batcher<Chain, Answers> posts_;
  PaymentWrites writes_;
};

// What the ledger is asked to do for a payment.
ledger::v1::TransactionInput TransactionOf(const Payment& payment);
// The same after what limits want first, linked.
std::vector<ledger::v1::TransactionInput> ChainOf(const Payment& payment);

// `clock`'s time in whole microseconds, which is what the database keeps.
absl::Time NowInMicroseconds(Clock& clock);

}  // namespace florin::payments
