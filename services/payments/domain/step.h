// What happens to a payment after it was authorized or moved, one step at a time: an intent first,
// then the ledger decides, then both the step and its payment say so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/ids/ids.h"
#include "services/payments/domain/dispute.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {

// Each kind has one method that makes it (or the worker), so that it scopes idempotency keys.
enum class StepKind {
  kCapture,   // Of an authorization, by the payee.
  kVoid,      // Releases the rest of an authorization, by the payee.
  kExpiry,    // The same after its time, by the worker.
  kRefund,    // By the payee.
  kDispute,   // Opens a dispute, by the payer.
  kAccept,    // Decides a dispute for the payer, by the payee.
  kWithdraw,  // Decides a dispute for the payee, by the payer.
  kResolve,   // Decides a dispute, by an operator: `note` is kWon or kLost.
};
inline constexpr std::string_view kWon = "won";
inline constexpr std::string_view kLost = "lost";

enum class StepState { kProcessing, kSucceeded, kFailed };

// "capture", "processing", … Parsing gives kInternal for any other text.
std::string_view NameOf(StepKind kind);
std::string_view NameOf(StepState state);
absl::StatusOr<StepKind> ParseStepKind(std::string_view name);
absl::StatusOr<StepState> ParseStepState(std::string_view name);

struct Step {
  Uuid step_id;  // Outside a `cap_…`, `ref_…` or `dsp_…`.
  Uuid payment_id;
  Uuid user_id;  // Who asked for it; of an expiry the payer.
  StepKind kind = StepKind::kCapture;
  StepState state = StepState::kProcessing;
  std::int64_t amount_minor = 0;  // 0 before Reserve(): all that is left.
  bool final = false;             // Of a capture: releases what is left.
  // Whether what the payee's balance does not cover becomes a debt of theirs to the house.
  bool may_owe = false;
  // Of a refund why, of a dispute its reason code, of a resolution its outcome. A refund's is
  // personal data.
  std::string note = {};
  Uuid dispute_id = {};  // Of what decides a dispute; else nil.
  // Of a payment to several payees the one whom it is about; else nil.
  Uuid payee_account_id = {};
  Returned returned = {};  // Of a conversion what goes back by it. Reserve() says it.
  // Of what the ledger decided: which of its transactions (TransactionIdOf(step, attempt)).
  int attempt = 1;
  // What the payee came to owe the house by it, in his currency; negative: repaid.
  std::int64_t owed_minor = 0;
  std::string failure_reason = {};                   // Name of the reason where kFailed.
  std::optional<std::int64_t> remaining_minor = {};  // Where that is what was left.
  absl::Time create_time = {};
  absl::Time update_time = {};
  // Of the trace (W3C Trace Context) that the request for it belonged to; empty: a worker's.
  std::string trace_id = {};

  friend bool operator==(const Step&, const Step&) = default;
};

// What of a payment to several payees went back from one of them: as Counters have it of all.
struct PayeeCounters {
  std::int64_t refunded_minor = 0;
  std::int64_t disputed_minor = 0;
  std::int64_t upheld_minor = 0;

  friend bool operator==(const PayeeCounters&, const PayeeCounters&) = default;
};

// A payment with what the steps change beside it.
struct Charge {
  Payment payment;
  std::optional<Dispute> dispute = {};  // The one that a step is about.
  // Of the payee whom a refund or dispute that is to begin names: without the step itself.
  std::optional<PayeeCounters> of_payee = {};

  friend bool operator==(const Charge&, const Charge&) = default;
};

// What a step asks for: equal for equal requests only.
std::string CanonicalStep(const Step& step);

// Whether a payee comes to owe what their balance does not cover of a refund, from the text of a
// flag: `refuse` or `receivable`. Error: kInvalidField.
absl::StatusOr<bool> ParseShortfallPolicy(std::string_view text);

// The reason of a refund: at most 140 characters. Error: kInvalidReference with param `reason`.
absl::Status CheckNote(std::string_view note);

// What was captured of a payment: of a transfer that was moved at once all of it.
std::int64_t CapturedOf(const Payment& payment);

// Whether it has several payees, of whom a refund or dispute names one.
bool HasSeveralPayees(const Payment& payment);
// The accounts that it credits.
std::vector<Uuid> PayeesOf(const Payment& payment);
// The account that a refund or dispute takes the money from.
Uuid PayeeOf(const Payment& payment, const Step& step);
// How much it takes from there, in that account's currency.
std::int64_t TakenFromPayee(const Payment& payment, const Step& step);

// Whether the payee may know of the payment: only once money was set aside for or moved to them.
bool VisibleToPayee(const Payment& payment);

// What is told to whoever asked for a step that failed. The same for every replay.
absl::Status FailureOf(const Step& step);

}  // namespace florin::payments
