// Compares all that is kept of payments with all that the ledger has decided, in both directions,
// and keeps what does not agree as discrepancies.
//
//   payments  each payment, a while after it was made: is it what the ledger decided?
//   steps     the same of captures, refunds, disputes
//   clearing  is what is between books what is under way between them?
//   ledger    each transaction that names a payment: did somebody here ask for it, and is that
//   said? open      discrepancies that are open: do they still hold?
//
// Each walk goes on where it had come to, so that all of it together is read once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/clearing_check.h"
#include "services/payments/store/reconcile_store.h"

namespace florin::payments {

// What is younger is left to those who are at work on it.
inline constexpr absl::Duration kReconcileAfter = absl::Minutes(1);

struct ReconcileResult {
  std::int64_t payments = 0;  // Compared by this round.
  std::int64_t steps = 0;
  std::int64_t transactions = 0;
  std::int64_t found = 0;           // Discrepancies, those that were open already included.
  std::int64_t agreed = 0;          // Of those that were open.
  absl::Time complete_until;        // All payments that were made before are compared.
  std::vector<Clearing> clearings;  // Between books, each.
  std::int64_t sequence = 0;        // All of the ledger's transactions up to here are.
};

// Works under this service's own identity. Several replicas may run it: they do the same work
// again, and a discrepancy is opened once. Thread-safe.
class Reconcile {
 public:
  // Waited for between batches, so that the first run, which reads everything, leaves room to
  // others. Nothing: no pause.
  using Pause = std::function<Task<void>()>;

  // References outlive this.
  Reconcile(ReconcileStore& store, ledger::v1::LedgerReaderClient& reader, Clock& clock,
            std::string book, Pause pause = {})
      : store_(store),
        reader_(reader),
        clock_(clock),
        book_(std::move(book)),
        pause_(std::move(pause)) {}

  // From now on what is between books is checked by `check`, which outlives this. Before the first
  // round.
  void CheckClearing(ClearingCheck& check) { clearing_ = &check; }

  // One round: as far as there is anything to compare. Sets the gauges
  // florin_payments_discrepancies_open and florin_payments_at_risk_minor. Errors: those of the
  // store and of the ledger; what was compared before stays so.
  Task<absl::StatusOr<ReconcileResult>> RunOnce();

  // Sets those gauges anew.
  Task<absl::Status> ShowExposure();

  // What the ledger has decided of these payments and their steps, and under `further` ids in their
  // book.
  Task<absl::StatusOr<LedgerRecords>> Records(const std::vector<WholePayment>& payments,
                                              std::vector<Uuid> further = {});

 private:
  using Ids = std::map<std::string, std::vector<Uuid>>;  // By book.
  using WholeById = std::map<Uuid, WholePayment>;

  // Adds the ids of all transactions that it can have.
  void AddIds(const WholePayment& whole, Ids& ids) const;
  Task<absl::StatusOr<LedgerRecords>> Records(Ids transaction_ids);
  Task<absl::Status> ReadFrom(std::string book, std::vector<Uuid> transaction_ids,
                              std::vector<LedgerRecord>& records);
  // Those of the payments that exist, whole.
  Task<absl::StatusOr<WholeById>> Known(std::vector<Uuid> payment_ids);
  Task<absl::StatusOr<std::vector<WholePayment>>> PaymentsMade(absl::Time from, absl::Time until,
                                                               int limit);
  // Gives how many were compared.
  Task<absl::StatusOr<std::int64_t>> WalkByTime(Walk walk, absl::Time until,
                                                ReconcileResult& result);
  Task<absl::Status> CompareAll(const std::vector<WholePayment>& made, bool steps,
                                std::vector<Discrepancy>& found);
  Task<absl::Status> WalkLedger(ReconcileResult& result);
  // Gives what of the page does not agree.
  Task<absl::StatusOr<std::vector<Discrepancy>>> ExplainAll(
      const ledger::v1::ListTransactionsResponse& page, ReconcileResult& result);
  Task<absl::Status> CheckClearings(ReconcileResult& result);
  Task<absl::Status> LookAgain(ReconcileResult& result);
  // Gives which of them agree now.
  Task<absl::StatusOr<std::vector<Uuid>>> AgreedOf(const std::vector<KeptDiscrepancy>& open);

  ReconcileStore& store_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
  const std::string book_;
  ClearingCheck* clearing_ = nullptr;
  const Pause pause_;
};

}  // namespace florin::payments
