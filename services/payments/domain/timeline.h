// A payment explained: what happened to it, when, by whom, and what it moved.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/payments/domain/discrepancy.h"
#include "services/payments/domain/dispute.h"
#include "services/payments/domain/limit.h"
#include "services/payments/domain/payment.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/rail_deposit.h"
#include "services/payments/domain/recovery_failure.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

// How far a payout has come, without whom it pays.
struct PayoutOnRail {
  std::string rail;
  PayoutStage stage = PayoutStage::kCreated;
  std::string code = {};  // As of Payout.

  friend bool operator==(const PayoutOnRail&, const PayoutOnRail&) = default;
};

// Where a payment comes from and where it goes, beside what its row says.
struct PaymentOrigin {
  std::string request_id = {};  // Of the request that made it; empty: a worker made it.
  std::string trace_id = {};    // As of Step.
  std::optional<PayoutOnRail> payout = {};
  // That it credits, without whose it is and what its sender says.
  std::optional<RailDeposit> deposit = {};

  friend bool operator==(const PaymentOrigin&, const PaymentOrigin&) = default;
};

// A limit that a payment was judged by.
struct JudgedLimit {
  enum class Outcome {
    kUsed,     // It had room: its use is held.
    kRefused,  // It had not.
    kAsked,    // Another limit has refused first, or nothing is decided yet.
  };
  Outcome outcome = Outcome::kAsked;
  Uuid limit_id;
  std::int64_t asked = 0;                    // Minor units, or one payment.
  std::optional<std::int64_t> maximum = {};  // When it was decided.
  std::optional<std::int64_t> remaining = {};
  std::optional<absl::Duration> window = {};
  std::optional<Limit> limit = {};
  absl::Time time;

  friend bool operator==(const JudgedLimit&, const JudgedLimit&) = default;
};

// What the ledger's account of a limit's bucket counted right after a payment's use was held.
struct BucketCounters {
  std::int64_t credits_posted = 0;
  std::int64_t debits_posted = 0;
  std::int64_t debits_pending = 0;
};
// What there was to decide by, before that.
JudgedLimit UsedLimit(const LimitUse& use, const BucketCounters& after, absl::Time time);
// What refused the payment; nothing if no limit did.
std::optional<JudgedLimit> RefusedLimit(const Payment& payment);

// What is known of a payment.
struct PaymentHistory {
  Payment payment;
  std::vector<Step> steps;
  std::vector<Dispute> disputes;
  std::vector<RecoveryFailure> failures;
  LedgerRecords ledger;  // Has LedgerIdsOf() the payment, and TransactionsOf() its steps.
  PaymentOrigin origin = {};
  std::vector<JudgedLimit> limits = {};
  // Who is told. Traces are told to whoever's request it was: others could know them again.
  Uuid viewer = {};
};

// The ids of all that the ledger can have booked for the payment itself.
std::vector<Uuid> LedgerIdsOf(const Payment& payment, const PaymentOrigin& origin);

struct TimelineEntry {
  absl::Time time;
  // `created`, `approval_requested`, `approved`, `limit_used`, `limit_refused`, `limit_asked`,
  // `ledger_moved`, `ledger_held`, `attempts_failed`, `parked`; `payout_sent`, `payout_settled`,
  // `payout_rejected`, `payout_returned`, `payout_canceled`, when it was booked; of a deposit of a
  // rail `deposit_received`, `deposit_settled`; the name of the payment's state, when it came to
  // it; of a step its kind and what it came to, as `capture_requested`, `capture_succeeded`,
  // `refund_failed`; of a dispute `dispute_` and its state.
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

// The same for whoever owns `payees`, some of the accounts that it credits: nothing of before money
// was set aside for or moved to them, nothing of the payer's approval, nothing of what is about
// other payees, no account of the payer's, and only what moves on their own.
std::vector<TimelineEntry> TimelineForPayee(PaymentHistory history,
                                            const std::vector<Uuid>& payees);

}  // namespace florin::payments
