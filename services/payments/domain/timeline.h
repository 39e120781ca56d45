// A payment explained: what happened to it, when, by whom, and what it moved.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/payments/domain/discrepancy.h"
#include "services/payments/domain/dispute.h"
#include "services/payments/domain/payment.h"
#include "services/payments/domain/recovery_failure.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

// What is known of a payment.
struct PaymentHistory {
  Payment payment;
  std::vector<Step> steps;
  std::vector<Dispute> disputes;
  std::vector<RecoveryFailure> failures;
  LedgerRecords ledger;  // Has TransactionsOf() the payment and its steps.
};

struct TimelineEntry {
  absl::Time time;
  // `created`, `approval_requested`, `approved`, `ledger_moved`, `ledger_held`, `attempts_failed`,
  // `parked`; the name of the payment's state, when it came to it; of a step its kind and what it
  // came to, as `capture_requested`, `capture_succeeded`, `refund_failed`; of a dispute
  // `dispute_` and its state.
  std::string event;
  std::string reason = {};  // The name of why, where it failed or was given up.
  Uuid step_id = {};        // Nil: the payment itself.
  Uuid transaction_id = {};
  std::vector<LedgerPosting> postings = {};
  // What else was decided by: names are stable, values texts.
  std::map<std::string, std::string> inputs = {};

  friend bool operator==(const TimelineEntry&, const TimelineEntry&) = default;
};

// In order of time.
std::vector<TimelineEntry> TimelineOf(const PaymentHistory& history);

// The same for the payee: nothing of before money was set aside for or moved to them, nothing of
// the payer's approval, no account of the payer's, and only what moves on their own.
std::vector<TimelineEntry> ForPayee(std::vector<TimelineEntry> timeline, const Payment& payment);

}  // namespace florin::payments
