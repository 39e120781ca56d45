#include "services/payments/rpc/charges_rpc.h"

#include <utility>

#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/domain/step_transaction.h"
#include "services/payments/rpc/charge_protos.h"
#include "services/payments/rpc/pricing_proto.h"

namespace florin::payments {
namespace {

std::string TransactionOf(const Step& step) {
  return FormatId(IdKind::kTransaction, TransactionIdOf(step, step.attempt));
}

v1::Capture CaptureOf(const Step& step, const Payment& payment) {
  v1::Capture proto;
  proto.set_capture_id(FormatId(IdKind::kCapture, step.step_id));
  proto.set_payment_id(FormatId(IdKind::kPayment, step.payment_id));
  SetAmount(step.amount_minor, payment, *proto.mutable_amount());
  proto.set_final(step.final);
  proto.set_transaction_id(TransactionOf(step));
  SetTime(step.create_time, *proto.mutable_create_time());
  return proto;
}

v1::Refund::State ToProto(StepState state) {
  switch (state) {
    case StepState::kProcessing:
      return v1::Refund::PROCESSING;
    case StepState::kSucceeded:
      return v1::Refund::SUCCEEDED;
    case StepState::kFailed:
      return v1::Refund::FAILED;
  }
  return v1::Refund::STATE_UNSPECIFIED;
}

// For the payer, or for its payee.
v1::Refund RefundOf(const Step& step, const SeenPayment& seen) {
  const Payment& payment = seen.payment;
  v1::Refund proto;
  proto.set_refund_id(FormatId(IdKind::kRefund, step.step_id));
  proto.set_payment_id(FormatId(IdKind::kPayment, step.payment_id));
  proto.set_state(ToProto(step.state));
  if (step.amount_minor > 0) SetAmount(step.amount_minor, payment, *proto.mutable_amount());
  proto.set_reason(step.note);
  proto.set_failure_reason(step.failure_reason);
  const Currency& credited = CreditedOf(payment).currency;
  if (seen.IsPayee(step.payee_account_id) && step.owed_minor > 0) {
    SetMoney({step.owed_minor, credited}, *proto.mutable_owed_amount());
  }
  if (ConversionOf(payment) != nullptr && step.amount_minor > 0) {
    SetMoney({TakenFromPayee(payment, step), credited}, *proto.mutable_debited_amount());
  }
  if (!step.payee_account_id.is_nil()) {
    proto.set_account_id(FormatId(IdKind::kAccount, step.payee_account_id));
  }
  proto.set_transaction_id(TransactionOf(step));
  SetTime(step.create_time, *proto.mutable_create_time());
  SetTime(step.update_time, *proto.mutable_update_time());
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::Capture>> ChargesRpc::CapturePayment(
    rpc::Call& call, const v1::CapturePaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> seen =
      co_await parties_.FindAsPayee(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const std::int64_t amount,
                             ParseAmount(request.has_amount(), request.amount(), seen->payment));
  Step step{.step_id = ids_.NewId(),
            .payment_id = id,
            .user_id = user,
            .kind = StepKind::kCapture,
            .amount_minor = amount,
            .final = request.final()};
  const absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await RunStep(steps_, call, std::move(step));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->step.state == StepState::kFailed) co_return FailureOf(outcome->step);
  co_return CaptureOf(outcome->step, outcome->charge.payment);
}

Task<absl::StatusOr<v1::Refund>> ChargesRpc::CreateRefund(rpc::Call& call,
                                                          const v1::CreateRefundRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  FLORIN_CO_RETURN_IF_ERROR(CheckNote(request.reason()));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> seen =
      co_await parties_.FindAsPayee(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const std::int64_t amount,
                             ParseAmount(request.has_amount(), request.amount(), seen->payment));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid payee, ParsePayee(request.account_id(), seen->payment, seen->payee_account_ids));
  Step step{.step_id = ids_.NewId(),
            .payment_id = id,
            .user_id = user,
            .kind = StepKind::kRefund,
            .amount_minor = amount,
            .may_owe = may_owe_,
            .note = request.reason(),
            .payee_account_id = payee};
  const absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await RunStep(steps_, call, std::move(step));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->step.state == StepState::kFailed) co_return FailureOf(outcome->step);
  co_return RefundOf(outcome->step, *seen);
}

Task<absl::StatusOr<v1::Refund>> ChargesRpc::GetRefund(rpc::Call& call,
                                                       const v1::GetRefundRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid refund_id,
                             ParseId(IdKind::kRefund, request.refund_id(), "refund_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> seen = co_await parties_.Find(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  const absl::StatusOr<Step> step = co_await store_.GetStep(id, StepKind::kRefund, refund_id);
  if (!step.ok()) co_return step.status();
  if (!seen->payer && !seen->IsPayee(step->payee_account_id)) {
    co_return Error(Reason::kRefundNotFound, "no such refund");
  }
  co_return RefundOf(*step, *seen);
}

Task<absl::StatusOr<v1::ListRefundsResponse>> ChargesRpc::ListRefunds(
    rpc::Call& call, const v1::ListRefundsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> seen = co_await parties_.Find(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  // A payee of several sees their own only.
  std::vector<Uuid> payees;
  if (!seen->payer && HasSeveralPayees(seen->payment)) payees = seen->payee_account_ids;
  absl::StatusOr<std::vector<Step>> steps = co_await store_.ListSteps(
      id, StepKind::kRefund, std::move(payees), page.after, page.size + 1);
  if (!steps.ok()) co_return steps.status();
  v1::ListRefundsResponse response;
  response.set_next_page_token(
      CutPage(page, *steps, [](const Step& step) { return step.step_id; }));
  for (const Step& step : *steps) {
    *response.add_refunds() = RefundOf(step, *seen);
  }
  co_return response;
}

}  // namespace florin::payments
