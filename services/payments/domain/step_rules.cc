#include "services/payments/domain/step_rules.h"

#include <algorithm>
#include <limits>

#include "libs/status/check.h"
#include "services/payments/domain/charge_machine.h"
#include "services/payments/domain/step_transaction.h"
#include "services/payments/domain/way_back.h"

namespace florin::payments {
namespace {

bool IsName(std::string_view text, Reason reason) { return text == InfoOf(reason).name; }

// Takes all that is left if the step names no amount. False: more than is left.
bool Take(std::int64_t left, Step& step) {
  const std::int64_t amount = step.amount_minor == 0 ? left : step.amount_minor;
  if (amount <= 0 || amount > left) return false;
  step.amount_minor = amount;
  return true;
}

// A debt's transaction counts one more than the amount: step_transaction.h.
bool TooLarge(const Payment& payment, const Step& step) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  return step.may_owe &&
         (step.amount_minor == kLargest || CreditedOf(payment).minor_units == kLargest);
}

std::optional<Objection> ReserveCapture(Payment& payment, Step& step) {
  Counters& counters = payment.counters;
  if (IsName(counters.release_reason, Reason::kAuthorizationExpired)) {
    return Objection{Reason::kAuthorizationExpired};
  }
  if (!NextState(payment.state, Event::kCapture, Actor::kPayee) ||
      !counters.release_reason.empty()) {
    return Objection{Reason::kPaymentNotCapturable};
  }
  const std::int64_t left =
      payment.amount.minor_units - counters.captured_minor - counters.capturing_minor;
  if (!Take(left, step)) return Objection{Reason::kCaptureExceedsAuthorization, left};
  counters.capturing_minor += step.amount_minor;
  return std::nullopt;
}

std::optional<Objection> ReserveRelease(const Payment& payment, Step& step) {
  const bool voids = step.kind == StepKind::kVoid;
  if (!NextState(payment.state, voids ? Event::kVoid : Event::kExpire,
                 voids ? Actor::kPayee : Actor::kWorker) ||
      !payment.counters.release_reason.empty()) {
    return Objection{Reason::kPaymentNotCancelable};
  }
  step.amount_minor = payment.amount.minor_units - payment.counters.captured_minor -
                      payment.counters.capturing_minor;
  return std::nullopt;
}

// What may go back of a payment, or of what one of its payees got, and what has.
struct Returnable {
  std::int64_t captured_minor = 0;
  PayeeCounters gone;
};

// Nothing: none of it. Only within one book can money go back the way it came, and from the one
// payee who is meant.
std::optional<Returnable> ReturnableOf(const Charge& charge, const Step& step) {
  const Payment& payment = charge.payment;
  const std::int64_t captured = CapturedOf(payment);
  if (AreApart(payment) || captured == 0) return std::nullopt;
  const Counters& counters = payment.counters;
  if (!HasSeveralPayees(payment)) {
    if (!step.payee_account_id.is_nil()) return std::nullopt;
    return Returnable{captured,
                      {counters.refunded_minor, counters.disputed_minor, counters.upheld_minor}};
  }
  const std::optional<std::int64_t> share = ShareOf(payment, step.payee_account_id);
  if (!share) return std::nullopt;
  FLORIN_CHECK(charge.of_payee.has_value(), "what went back from the payee is known");
  return Returnable{*share, *charge.of_payee};
}

// What a step that was counted brings back of a conversion.
void ReserveConverted(Payment& payment, Step& step) {
  if (ConversionOf(payment) == nullptr) return;
  Counters& counters = payment.counters;
  const Returned goal = ReturnedAt(payment, counters.refunded_minor + counters.disputed_minor);
  step.returned = MissingFrom(goal, counters.returned);
  counters.returned = Sum(counters.returned, step.returned);
}

std::optional<Objection> ReserveRefund(Charge& charge, Step& step) {
  const std::optional<Returnable> may = ReturnableOf(charge, step);
  if (!may) return Objection{Reason::kPaymentNotRefundable};
  const std::int64_t left =
      may->captured_minor - may->gone.refunded_minor - may->gone.disputed_minor;
  if (!Take(left, step)) return Objection{Reason::kRefundExceedsCaptured, left};
  if (TooLarge(charge.payment, step)) return Objection{Reason::kBalanceOverflow};
  charge.payment.counters.refunded_minor += step.amount_minor;
  ReserveConverted(charge.payment, step);
  return std::nullopt;
}

std::optional<Objection> ReserveDispute(Charge& charge, Step& step) {
  const std::optional<Returnable> may = ReturnableOf(charge, step);
  const std::int64_t left = !may ? 0
                                 : may->captured_minor - may->gone.refunded_minor -
                                       may->gone.disputed_minor - may->gone.upheld_minor;
  if (!Take(left, step)) {
    return Objection{Reason::kPaymentNotDisputable, std::max<std::int64_t>(left, 0)};
  }
  if (TooLarge(charge.payment, step)) return Objection{Reason::kBalanceOverflow};
  charge.payment.counters.disputed_minor += step.amount_minor;
  ReserveConverted(charge.payment, step);
  return std::nullopt;
}

std::optional<DisputeState> DecisionOf(DisputeState from, const Step& step) {
  switch (step.kind) {
    case StepKind::kAccept:
      return NextState(from, DisputeEvent::kAccept, Actor::kPayee);
    case StepKind::kWithdraw:
      return NextState(from, DisputeEvent::kWithdraw, Actor::kOwner);
    default:
      return NextState(from,
                       step.note == kWon ? DisputeEvent::kResolveWon : DisputeEvent::kResolveLost,
                       Actor::kOperator);
  }
}

std::optional<Objection> ReserveDecision(Dispute& dispute, Step& step) {
  if (!DecisionOf(dispute.state, step) || !dispute.deciding_step_id.is_nil()) {
    return Objection{Reason::kDisputeClosed};
  }
  step.amount_minor = dispute.amount_minor;
  step.payee_account_id = dispute.payee_account_id;
  step.returned = dispute.returned;
  dispute.deciding_step_id = step.step_id;
  return std::nullopt;
}

// What the payee is told where the hold says no.
std::string FailureOfCapture(const std::string& refusal) {
  if (IsName(refusal, Reason::kHoldExpired)) {
    return std::string(InfoOf(Reason::kAuthorizationExpired).name);
  }
  if (IsName(refusal, Reason::kHoldAlreadyVoided) ||
      IsName(refusal, Reason::kHoldAlreadyCaptured)) {
    return std::string(InfoOf(Reason::kPaymentNotCapturable).name);
  }
  if (IsName(refusal, Reason::kCaptureExceedsHold)) {
    return std::string(InfoOf(Reason::kCaptureExceedsAuthorization).name);
  }
  return refusal;
}

void Release(Counters& counters, std::string_view reason) {
  if (counters.release_reason.empty()) counters.release_reason = reason;
}

// Ends an authorization of which nothing is left and nothing in flight.
void EndIfOver(Payment& payment, absl::Time now) {
  const Counters& counters = payment.counters;
  if (payment.state != State::kRequiresCapture || counters.capturing_minor > 0) return;
  const bool nothing_left = counters.captured_minor == payment.amount.minor_units;
  if (counters.release_reason.empty() && !nothing_left) return;
  Event event = Event::kReleasedRest;
  if (nothing_left || counters.release_reason == kReleasedByCapture) event = Event::kCapturedLast;
  if (counters.captured_minor == 0) event = Event::kReleasedAll;
  const std::optional<State> next = NextState(payment.state, event, Actor::kLedger);
  FLORIN_CHECK(next.has_value(), "the ledger ends an authorization");
  payment.state = *next;
  if (*next == State::kCanceled) payment.failure_reason = counters.release_reason;
  payment.update_time = now;
}

void ApplyCapture(Payment& payment, Step& step, const LedgerAnswer& answer) {
  Counters& counters = payment.counters;
  counters.capturing_minor -= step.amount_minor;
  if (answer.committed) {
    counters.captured_minor += step.amount_minor;
    if (step.final) Release(counters, kReleasedByCapture);
    return;
  }
  step.failure_reason = FailureOfCapture(answer.refusal_reason);
  if (IsName(answer.refusal_reason, Reason::kHoldExpired)) {
    Release(counters, InfoOf(Reason::kAuthorizationExpired).name);
  }
}

// Also where the ledger refuses because nothing is left of the hold: that is what was wanted.
void ApplyRelease(Payment& payment, Step& step, const LedgerAnswer& answer) {
  // The last capture, in flight when this began, may have ended it: nothing of it changes any more.
  if (payment.state != State::kRequiresCapture) return;
  const std::string& refusal = answer.refusal_reason;
  const bool expired = !answer.committed && IsName(refusal, Reason::kHoldExpired);
  const bool gone = expired || IsName(refusal, Reason::kHoldAlreadyVoided) ||
                    IsName(refusal, Reason::kHoldAlreadyCaptured);
  if (!answer.committed && !gone) return;
  const bool by_time = expired || step.kind == StepKind::kExpiry;
  Release(payment.counters,
          InfoOf(by_time ? Reason::kAuthorizationExpired : Reason::kPaymentCanceled).name);
}

// What a refund that the ledger refused had reserved.
void GiveBack(Counters& counters, const Step& step) {
  counters.refunded_minor -= step.amount_minor;
  counters.returned = Difference(counters.returned, step.returned);
}

void ApplyOpening(Charge& charge, const Step& step, const LedgerAnswer& answer, absl::Time now) {
  Counters& counters = charge.payment.counters;
  if (!answer.committed) {
    counters.disputed_minor -= step.amount_minor;
    counters.returned = Difference(counters.returned, step.returned);
    return;
  }
  const auto state = NextState(std::nullopt, DisputeEvent::kOpened, Actor::kOwner);
  FLORIN_CHECK(state.has_value(), "a payer may open a dispute");
  charge.dispute = Dispute{.dispute_id = step.step_id,
                           .payment_id = step.payment_id,
                           .state = *state,
                           .amount_minor = step.amount_minor,
                           .reason_code = step.note,
                           .respond_by = now + kResponseTime,
                           .payee_account_id = step.payee_account_id,
                           .returned = step.returned,
                           .create_time = now,
                           .update_time = now};
}

void ApplyDecision(Charge& charge, const Step& step, const LedgerAnswer& answer, absl::Time now) {
  FLORIN_CHECK(charge.dispute.has_value(), "a decision is about a dispute");
  Dispute& dispute = *charge.dispute;
  dispute.deciding_step_id = Uuid();
  if (!answer.committed) return;
  const std::optional<DisputeState> next = DecisionOf(dispute.state, step);
  FLORIN_CHECK(next.has_value(), "a dispute being decided stays as it is");
  dispute.state = *next;
  dispute.update_time = now;
  Counters& counters = charge.payment.counters;
  if (*next != DisputeState::kLost) {
    counters.disputed_minor -= step.amount_minor;
    counters.returned = Difference(counters.returned, step.returned);
  }
  if (*next == DisputeState::kWon) counters.upheld_minor += step.amount_minor;
}

}  // namespace

std::optional<Objection> Reserve(Charge& charge, Step& step) {
  switch (step.kind) {
    case StepKind::kCapture:
      return ReserveCapture(charge.payment, step);
    case StepKind::kVoid:
    case StepKind::kExpiry:
      return ReserveRelease(charge.payment, step);
    case StepKind::kRefund:
      return ReserveRefund(charge, step);
    case StepKind::kDispute:
      return ReserveDispute(charge, step);
    case StepKind::kAccept:
    case StepKind::kWithdraw:
    case StepKind::kResolve:
      FLORIN_CHECK(charge.dispute.has_value(), "a decision is about a dispute");
      return ReserveDecision(*charge.dispute, step);
  }
  FLORIN_CHECK(false, "every kind has a rule");
  return std::nullopt;
}

Step Refuse(Step step, const Objection& objection) {
  const std::optional<StepState> state = NextState(std::nullopt, StepEvent::kRefuse);
  FLORIN_CHECK(state.has_value(), "a step may be refused");
  step.state = *state;
  step.failure_reason = InfoOf(objection.reason).name;
  step.remaining_minor = objection.remaining_minor;
  return step;
}

bool ApplyAnswer(Charge& charge, Step& step, const LedgerAnswer& answer, absl::Time now) {
  if (!answer.committed && !answer.final) return false;
  const std::optional<StepState> next = NextState(
      step.state, answer.committed ? StepEvent::kLedgerCommitted : StepEvent::kLedgerRefused);
  FLORIN_CHECK(next.has_value(), "only steps in processing are sent to the ledger");
  step.state = *next;
  step.update_time = now;
  if (answer.committed) {
    step.owed_minor = OwedBy(charge.payment, step, answer);
  } else {
    step.failure_reason = answer.refusal_reason;
  }
  switch (step.kind) {
    case StepKind::kCapture:
      ApplyCapture(charge.payment, step, answer);
      break;
    case StepKind::kVoid:
    case StepKind::kExpiry:
      ApplyRelease(charge.payment, step, answer);
      break;
    case StepKind::kRefund:
      if (!answer.committed) GiveBack(charge.payment.counters, step);
      break;
    case StepKind::kDispute:
      ApplyOpening(charge, step, answer, now);
      break;
    case StepKind::kAccept:
    case StepKind::kWithdraw:
    case StepKind::kResolve:
      ApplyDecision(charge, step, answer, now);
      break;
  }
  EndIfOver(charge.payment, now);
  return true;
}

}  // namespace florin::payments
