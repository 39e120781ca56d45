// Compares what rails say in their statements with what is kept of payouts and deposits, in both
// directions, and keeps what does not agree as discrepancies beside those of reconcile.h.
//
//   statement  what has come since the last time is read and kept
//   lines      each, a while after it was booked: is it a payout or deposit of ours that says so?
//   payouts    each, a day after it was executed: is it on the statement? the same of deposits
//   open       discrepancies of rails that are open: do they still hold?
//   settlement does the ledger's settlement account have what all of that explains?
//
// Each walk goes on where it had come to, so that all of it together is compared once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "services/payments/flow/rail.h"
#include "services/payments/store/rail_reconcile_store.h"
#include "services/payments/store/reconcile_store.h"

namespace florin::payments {

struct RailReconcileResult {
  std::int64_t lines = 0;    // Of statements, compared by this round.
  std::int64_t payouts = 0;  // Looked for on the statements.
  std::int64_t deposits = 0;
  std::int64_t found = 0;   // Discrepancies, those that were open already included.
  std::int64_t agreed = 0;  // Of those that were open.
};

// Works under this service's own identity. Several replicas may run it: they do the same work
// again, and a discrepancy is opened once. Thread-safe, but for Use().
class RailReconcile {
 public:
  // References outlive this.
  RailReconcile(RailReconcileStore& lines, ReconcileStore& discrepancies,
                ledger::v1::LedgerReaderClient& reader, Clock& clock, std::string book)
      : lines_(lines),
        discrepancies_(discrepancies),
        reader_(reader),
        clock_(clock),
        book_(std::move(book)) {}

  // Whose statements are read; none before. Not while anything else of this runs. They outlive
  // this.
  void Use(std::map<std::string, Rail*> rails) { rails_ = std::move(rails); }

  // One round: as far as there is anything to compare. Sets the gauge
  // florin_payments_settlement_difference_minor of each currency: what the ledger's settlement
  // account has beyond the statements. Errors: those of the rails, the store and the ledger; what
  // was compared before stays so.
  Task<absl::StatusOr<RailReconcileResult>> RunOnce();

 private:
  Task<absl::Status> ReadStatement(const std::string& name, Rail& rail);
  Task<absl::Status> CompareLines(const std::string& name, RailReconcileResult& result);
  Task<absl::Status> ComparePayouts(const std::string& name, RailReconcileResult& result);
  Task<absl::Status> CompareDeposits(const std::string& name, RailReconcileResult& result);
  // Opens what does not agree of them.
  Task<absl::Status> CompareAll(const std::string& name, std::vector<RailSubject> subjects,
                                RailReconcileResult& result);
  Task<absl::Status> LookAgain(RailReconcileResult& result);
  // Gives which of them agree now.
  Task<absl::StatusOr<std::vector<Uuid>>> AgreedOf(const std::vector<KeptDiscrepancy>& open);
  Task<absl::Status> CompareSettlement(RailReconcileResult& result);
  // Debits less credits of the settlement accounts, in order; none of an account that is not open.
  Task<absl::StatusOr<std::map<std::string, std::int64_t>>> SettlementBalances(
      const std::vector<SettlementSums>& sums);

  RailReconcileStore& lines_;
  ReconcileStore& discrepancies_;
  ledger::v1::LedgerReaderClient& reader_;
  Clock& clock_;
  const std::string book_;
  std::map<std::string, Rail*> rails_;
};

}  // namespace florin::payments
