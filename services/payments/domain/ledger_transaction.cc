#include "services/payments/domain/ledger_transaction.h"

#include "libs/status/check.h"
#include "services/payments/domain/state_machine.h"

namespace florin::payments {

LedgerPosting PostingOf(const Payment& payment) {
  const Uuid debit = payment.kind == Kind::kTransfer ? payment.source_account_id
                                                     : SandboxRailAccount(payment.amount.currency);
  return LedgerPosting{.debit_account_id = debit,
                       .credit_account_id = payment.destination_account_id,
                       .amount_minor = payment.amount.minor_units};
}

Uuid TransactionIdOf(const Uuid& payment_id) {
  return DeriveId("florin.payments.transaction", FormatId(IdKind::kPayment, payment_id));
}

Uuid SandboxRailAccount(const Currency& currency) {
  return DeriveId("florin.payments.rail.sandbox", currency.code());
}

std::optional<Payment> ApplyAnswer(Payment payment, const LedgerAnswer& answer, absl::Time now) {
  if (!answer.committed && !answer.final) return std::nullopt;
  const Event agreed = payment.authorization_timeout ? Event::kLedgerHeld : Event::kLedgerCommitted;
  const Event event = answer.committed ? agreed : Event::kLedgerRefused;
  const std::optional<State> next = NextState(payment.state, event, Actor::kLedger);
  FLORIN_CHECK(next.has_value(), "only payments in processing are sent to the ledger");
  payment.state = *next;
  payment.failure_reason = answer.committed ? "" : answer.refusal_reason;
  payment.update_time = now;
  if (payment.state == State::kRequiresCapture) {
    FLORIN_CHECK(answer.expire_time.has_value(), "a hold with a timeout says when it expires");
    payment.authorization_expire_time = answer.expire_time;
  }
  return payment;
}

absl::Status FailureOf(const Payment& payment) {
  FLORIN_CHECK(payment.state == State::kFailed, "only a failed payment has a failure");
  // A newer ledger may know reasons that this program does not.
  const Reason reason = ReasonFromName(payment.failure_reason).value_or(Reason::kInternal);
  return Error(reason, "the ledger refused the payment",
               {.metadata = {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)}}});
}

}  // namespace florin::payments
