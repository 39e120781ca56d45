#include "services/payments/domain/step_transaction.h"

#include "libs/status/check.h"
#include "services/payments/domain/chart_of_accounts.h"

namespace florin::payments {
namespace {

// Whether the step gives disputed money back to the payee.
bool GoesToPayee(const Step& step) {
  return step.kind == StepKind::kWithdraw || (step.kind == StepKind::kResolve && step.note == kWon);
}

// From the payee to `to`, what is missing from the receivable.
std::vector<StepPosting> Take(const Uuid& payee, const Uuid& to, std::int64_t amount, int attempt) {
  const Uuid receivable = ReceivableAccount(payee);
  if (attempt == 2) return {{receivable, to, amount}};
  return {{receivable, payee, amount + 1},
          {payee, to, amount},
          {payee, receivable, amount + 1, true, false}};
}

std::vector<StepPosting> PostingsOf(const Payment& payment, const Step& step, int attempt) {
  const Uuid& payer = payment.source_account_id;
  const Uuid& payee = payment.destination_account_id;
  const Uuid clearing = DisputesAccount(payment.amount.currency);
  const std::int64_t amount = step.amount_minor;
  if (step.kind == StepKind::kRefund) {
    if (!step.may_owe) return {{payee, payer, amount}};
    return Take(payee, payer, amount, attempt);
  }
  if (step.kind == StepKind::kDispute) return Take(payee, clearing, amount, attempt);
  if (!GoesToPayee(step)) return {{clearing, payer, amount}};
  const Uuid receivable = ReceivableAccount(payee);
  return {{receivable, payee, 1},
          {clearing, payee, amount},
          {payee, receivable, amount + 1, false, true}};
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

std::int64_t OwedBy(const Step& step, const LedgerAnswer& answer) {
  const bool takes = step.may_owe;
  if (!takes && !GoesToPayee(step)) return 0;
  if (takes && step.attempt == 2) return step.amount_minor;
  FLORIN_CHECK(answer.moved_minor.size() == 3, "the ledger says what each posting moved");
  if (takes) return step.amount_minor + 1 - answer.moved_minor[2];
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
