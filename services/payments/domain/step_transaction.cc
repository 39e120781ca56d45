#include "services/payments/domain/step_transaction.h"

#include "libs/status/check.h"
#include "services/payments/domain/posting_template.h"

namespace florin::payments {
namespace {

// Whether the step gives disputed money back to the payee.
bool GoesToPayee(const Step& step) {
  return step.kind == StepKind::kWithdraw || (step.kind == StepKind::kResolve && step.note == kWon);
}

PostingEvent EventOf(const Payment& payment, const Step& step) {
  const bool converted = ConversionOf(payment) != nullptr;
  if (step.kind == StepKind::kRefund) {
    return converted ? PostingEvent::kFxRefund : PostingEvent::kRefund;
  }
  if (step.kind == StepKind::kDispute) {
    return converted ? PostingEvent::kFxDisputed : PostingEvent::kTransferDisputed;
  }
  if (!GoesToPayee(step)) return PostingEvent::kTransferDisputeLost;
  return converted ? PostingEvent::kFxDisputeWon : PostingEvent::kTransferDisputeWon;
}

// As if the payee's balance covered it and he owed nothing.
std::vector<LedgerPosting> PlainPostingsOf(const Payment& payment, const Step& step) {
  const std::int64_t taken = TakenFromPayee(payment, step);
  Filling filling{.payer_account_id = payment.source_account_id,
                  .payees = {},
                  .currencies = {payment.amount.currency},
                  .amounts = {{Term::kAmount, step.amount_minor},
                              {Term::kAvailable, step.amount_minor},
                              {Term::kSold, step.amount_minor},
                              {Term::kBought, taken},
                              {Term::kSpread, step.returned.spread_minor},
                              {Term::kRounding, step.returned.rounding_minor}}};
  if (taken > 0) filling.payees.push_back({PayeeOf(payment, step), taken});
  if (const Conversion* fx = ConversionOf(payment)) {
    filling.currencies.push_back(fx->destination.currency);
  }
  return Fill(TemplateOf(EventOf(payment, step)), filling);
}

// `plain`, of which what is missing comes from the receivable.
std::vector<StepPosting> Owing(const LedgerPosting& plain, int attempt) {
  const Uuid& payee = plain.debit_account_id;
  const Uuid& to = plain.credit_account_id;
  const Uuid receivable = ReceivableAccount(payee);
  if (attempt == 2) return {{receivable, to, plain.amount_minor}};
  return {{receivable, payee, plain.amount_minor + 1},
          {payee, to, plain.amount_minor},
          {payee, receivable, plain.amount_minor + 1, true, false}};
}

// `plain`, of which what is owed goes to the receivable.
std::vector<StepPosting> Repaying(const LedgerPosting& plain) {
  const Uuid& payee = plain.credit_account_id;
  const Uuid receivable = ReceivableAccount(payee);
  return {{receivable, payee, 1},
          {plain.debit_account_id, payee, plain.amount_minor},
          {payee, receivable, plain.amount_minor + 1, false, true}};
}

// The payee's posting, if there is one, is the first of every template (OwedBy()).
std::vector<StepPosting> PostingsOf(const Payment& payment, const Step& step, int attempt) {
  std::vector<StepPosting> postings;
  for (const LedgerPosting& plain : PlainPostingsOf(payment, step)) {
    const bool takes = step.may_owe && plain.debit_account_id == PayeeOf(payment, step);
    const bool gives = GoesToPayee(step) && plain.credit_account_id == PayeeOf(payment, step);
    std::vector<StepPosting> more = {
        {plain.debit_account_id, plain.credit_account_id, plain.amount_minor}};
    if (takes) more = Owing(plain, attempt);
    if (gives) more = Repaying(plain);
    postings.insert(postings.end(), more.begin(), more.end());
  }
  return postings;
}

}  // namespace

Uuid TransactionIdOf(const Step& step, int attempt) {
  return DeriveId("florin.payments.step",
                  step.step_id.ToString() + (attempt == 1 ? "" : "." + std::to_string(attempt)));
}

StepTransaction TransactionOf(const Payment& payment, const Step& step, int attempt) {
  StepTransaction transaction{.transaction_id = TransactionIdOf(step, attempt)};
  switch (step.kind) {
    case StepKind::kCapture:
      transaction.kind = StepTransaction::Kind::kCapture;
      transaction.hold_id = payment.transaction_id;
      transaction.amount_minor = step.amount_minor;
      transaction.final = step.final;
      break;
    case StepKind::kVoid:
    case StepKind::kExpiry:
      transaction.kind = StepTransaction::Kind::kVoid;
      transaction.hold_id = payment.transaction_id;
      break;
    default:
      transaction.postings = PostingsOf(payment, step, attempt);
  }
  return transaction;
}

bool HasSecondAttempt(const Step& step, const std::string& refusal_reason) {
  return step.may_owe && (refusal_reason == InfoOf(Reason::kAccountClosed).name ||
                          refusal_reason == InfoOf(Reason::kAccountFrozen).name ||
                          refusal_reason == InfoOf(Reason::kNothingToMove).name);
}

std::int64_t OwedBy(const Payment& payment, const Step& step, const LedgerAnswer& answer) {
  const bool takes = step.may_owe;
  const std::int64_t taken = TakenFromPayee(payment, step);
  if ((!takes && !GoesToPayee(step)) || taken == 0) return 0;
  if (takes && step.attempt == 2) return taken;
  FLORIN_CHECK(answer.moved_minor.size() >= 3, "the ledger says what each posting moved");
  if (takes) return taken + 1 - answer.moved_minor[2];
  return 1 - answer.moved_minor[2];
}

Uuid ReceivableAccount(const Uuid& payee_account_id) {
  return DeriveId("florin.payments.receivable", FormatId(IdKind::kAccount, payee_account_id));
}

Uuid DisputesAccount(const Currency& currency) {
  return HouseAccountId({.role = Role::kDisputesClearing, .currency = currency});
}

bool NeedsHouseAccounts(const Step& step) {
  switch (step.kind) {
    case StepKind::kCapture:
    case StepKind::kVoid:
    case StepKind::kExpiry:
      return false;
    case StepKind::kRefund:
      return step.may_owe;
    default:
      return true;
  }
}

}  // namespace florin::payments
