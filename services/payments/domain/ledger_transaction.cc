#include "services/payments/domain/ledger_transaction.h"

#include <algorithm>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/domain/book_transfer.h"
#include "services/payments/domain/state_machine.h"

namespace florin::payments {

std::vector<LedgerPosting> PostingsOf(const Payment& payment) {
  if (AreApart(payment)) return HoldPostingsOf(payment);
  if (payment.pricing) return payment.pricing->postings;
  if (payment.kind == Kind::kPayout) {
    const Filling reserved{.payer_account_id = payment.source_account_id,
                           .payees = {},
                           .currencies = {payment.amount.currency},
                           .amounts = {{Term::kAmount, payment.amount.minor_units}}};
    return Fill(TemplateOf(PostingEvent::kPayoutReserved), reserved);
  }
  const bool transfer = payment.kind == Kind::kTransfer;
  const Filling filling{.payer_account_id = payment.source_account_id,
                        .payees = {{payment.destination_account_id, payment.amount.minor_units}},
                        .currencies = {payment.amount.currency}};
  return Fill(TemplateOf(transfer ? PostingEvent::kTransfer : PostingEvent::kDeposit), filling);
}

std::vector<HouseAccount> HouseAccountsOf(const Payment& payment) {
  if (!payment.pricing) {
    if (payment.kind == Kind::kTransfer) return {};
    if (payment.kind == Kind::kPayout) {
      return {{Role::kOutboundClearing, payment.amount.currency}};
    }
    return {{Role::kInboundClearing, payment.amount.currency}};
  }
  std::vector<Currency> currencies = {payment.amount.currency};
  if (const auto& fx = payment.pricing->conversion) currencies.push_back(fx->destination.currency);
  std::vector<HouseAccount> accounts;
  for (const ChartAccount& row : Chart()) {
    if (row.role == Role::kCustomer || row.role == Role::kHeld) continue;
    for (const Currency& currency : currencies) {
      const HouseAccount account{row.role, currency};
      const Uuid id = HouseAccountId(account);
      const bool touched =
          std::ranges::any_of(payment.pricing->postings, [&](const LedgerPosting& posting) {
            return posting.debit_account_id == id || posting.credit_account_id == id;
          });
      if (touched) accounts.push_back(account);
    }
  }
  return accounts;
}

Uuid TransactionIdOf(const Uuid& payment_id) {
  return DeriveId("florin.payments.transaction", FormatId(IdKind::kPayment, payment_id));
}

Uuid SandboxRailAccount(const Currency& currency) {
  return HouseAccountId({Role::kInboundClearing, currency});
}

bool IsSourceFrozen(const Payment& payment, const LedgerAnswer& answer) {
  return !answer.committed && answer.final &&
         answer.refusal_reason == InfoOf(Reason::kAccountFrozen).name &&
         answer.refusal_param.ends_with("debit_account_id") && !payment.source_account_id.is_nil();
}

LedgerAnswer RefusedByDormancy(LedgerAnswer answer) {
  answer.refusal_reason = InfoOf(Reason::kAccountDormant).name;
  return answer;
}

std::optional<Payment> ApplyAnswer(Payment payment, const LedgerAnswer& answer, absl::Time now) {
  if (!answer.committed && !answer.final) return std::nullopt;
  Event agreed = payment.authorization_timeout ? Event::kLedgerHeld : Event::kLedgerCommitted;
  if (payment.kind == Kind::kPayout) agreed = Event::kLedgerReserved;
  const Event event = answer.committed ? agreed : Event::kLedgerRefused;
  const std::optional<State> next = NextState(payment.state, event, Actor::kLedger);
  FLORIN_CHECK(next.has_value(), "only payments in processing are sent to the ledger");
  payment.state = *next;
  payment.failure_reason = answer.committed ? "" : answer.refusal_reason;
  if (answer.limit_refusal) payment.limit_refusal = answer.limit_refusal;
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
  ErrorDetail detail{.metadata = {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)}}};
  if (reason != Reason::kLimitExceeded || !payment.limit_refusal) {
    return Error(reason, "the ledger refused the payment", std::move(detail));
  }
  detail.metadata["limit"] = FormatId(IdKind::kLimit, payment.limit_refusal->limit_id);
  detail.metadata["remaining"] = std::to_string(payment.limit_refusal->remaining);
  return Error(reason, "a limit would be passed", std::move(detail));
}

}  // namespace florin::payments
