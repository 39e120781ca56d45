// Pays bulks, batch by batch, so that memory does not grow with their size. docs/bulk.md says why
// it is exact.
//
//   BEST_EFFORT      each item is a payment by CreatePayment, under a key that follows from bulk
//                    and item
//   ALL_OR_NOTHING   1. the ledger sets the money of each item aside, under ids that follow from
//                       the payments'
//                    2. the decision: every item is held, or one was refused
//                    3. what is held is captured by the transactions of the payments, which are
//                       kept as they succeed; or all of it is voided
//
// Every step is idempotent: two replicas may be at one bulk, and whoever comes after a crash goes
// on. Acts as this service on behalf of the bulk's user.
#pragma once

#include <atomic>
#include <map>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/store/bulk_store.h"

namespace florin::payments {

// Thread-safe; several replicas may run one each.
class BulkWorker {
 public:
  static constexpr int kItemsAtOnce = 200;
  static constexpr std::size_t kBulksAtOnce = 4;

  // What moves the money. References outlive the worker.
  struct Parts {
    CreatePayment& create;
    AccountDirectory& accounts;
    Settlement& settlement;
    ChartAccounts& chart;
    PaymentPricing& pricing;
    ApprovalPolicy policy;
    LimitDirectory* limits = nullptr;  // Nothing: nobody's payments are limited.
  };

  // References outlive this.
  BulkWorker(Executor executor, BulkStore& store, Parts parts, Clock& clock)
      : executor_(std::move(executor)), store_(store), parts_(std::move(parts)), clock_(clock) {}

  // One round: works on what bulks there are, in turns, until nothing is left to do now. Gives how
  // many batches there were. Error: kUnavailable, kInternal of ClaimBulk(). A bulk whose batch
  // could not be ended waits for its lease.
  Task<absl::StatusOr<int>> RunOnce();

  // Lets RunOnce() end after the batches under way.
  void Stop() { stopping_ = true; }

 private:
  using Payees = std::map<Uuid, KnownAccount>;

  // One batch of `bulk`, whose state it keeps up to date. Gives whether there is more to do.
  Task<absl::StatusOr<bool>> Work(Bulk& bulk);
  Task<absl::StatusOr<bool>> AdvanceFrom(Bulk& bulk);
  Task<absl::Status> DoBatch(Bulk bulk, std::vector<BulkItem> items);
  Task<absl::Status> PayOrHold(Bulk bulk, std::vector<BulkItem> items);
  Task<absl::Status> Capture(Bulk bulk, std::vector<BulkItem> items);
  Task<absl::Status> Release(Bulk bulk, std::vector<BulkItem> items);

  // Each sets `done` once the item is decided.
  Task<void> PayItem(const Bulk& bulk, BulkItem& item, bool& done);
  Task<void> HoldItem(const Bulk& bulk, const Payees& payees, BulkItem& item, bool& done);
  Task<void> CaptureItem(const Bulk& bulk, const BulkItem& item, std::optional<Payment>& paid);
  Task<void> ReleaseItem(const Bulk& bulk, BulkItem& item, bool& done);
  Task<absl::Status> CheckPayee(const Bulk& bulk, const Payees& payees, const BulkItem& item);
  Task<absl::StatusOr<bool>> IsLimited(Payment payment, const Payees& payees);
  Task<absl::StatusOr<LedgerAnswer>> Hold(Payment payment);
  // Whether an item may be held: what CreatePayment checks of the others.
  absl::Status Check(const Bulk& bulk, const Payees& payees, const BulkItem& item) const;

  const Executor executor_;
  BulkStore& store_;
  const Parts parts_;
  Clock& clock_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace florin::payments
