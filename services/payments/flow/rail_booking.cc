#include "services/payments/flow/rail_booking.h"

#include <utility>

#include "libs/telemetry/log.h"

namespace florin::payments {
namespace {

ledger::v1::TransactionInput InputOf(const StepTransaction& transaction) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, transaction.transaction_id));
  const std::string hold = FormatId(IdKind::kTransaction, transaction.hold_id);
  if (transaction.kind == StepTransaction::Kind::kCapture) {
    input.mutable_capture()->set_hold_id(hold);
    if (!transaction.whole) input.mutable_capture()->add_amounts_minor(transaction.amount_minor);
    input.mutable_capture()->set_final(transaction.final);
  } else if (transaction.kind == StepTransaction::Kind::kVoid) {
    input.mutable_void_()->set_hold_id(hold);
  }
  for (const StepPosting& posting : transaction.postings) {
    ledger::v1::Posting& proto = *input.add_postings();
    proto.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    proto.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    proto.set_amount_minor(posting.amount_minor);
  }
  return input;
}

}  // namespace

Task<absl::StatusOr<LedgerAnswer>> Book(Settlement& settlement, ChartAccounts& chart,
                                        std::vector<HouseAccount> accounts,
                                        StepTransaction transaction,
                                        std::map<std::string, std::string> metadata) {
  if (!accounts.empty()) FLORIN_CO_RETURN_IF_ERROR(co_await chart.EnsureOpen(accounts));
  ledger::v1::TransactionInput input = InputOf(transaction);
  for (auto& [key, value] : metadata) (*input.mutable_metadata())[key] = value;
  absl::StatusOr<LedgerAnswer> answer = co_await settlement.Decide(std::move(input));
  if (!answer.ok()) co_return answer.status();
  if (!answer->committed && !answer->final) {
    telemetry::Log(telemetry::Severity::kError, "the ledger does not decide a booking",
                   {{"transaction_id", FormatId(IdKind::kTransaction, transaction.transaction_id)},
                    {"reason", answer->refusal_reason}});
    chart.Forget(accounts);
    co_return Error(Reason::kInternal, "the ledger does not decide the booking");
  }
  co_return answer;
}

}  // namespace florin::payments
