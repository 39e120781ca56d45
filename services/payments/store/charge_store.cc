#include "services/payments/store/charge_store.h"

#include "services/payments/domain/charge_machine.h"

namespace florin::payments {
namespace {

std::string_view ActionOf(StepKind kind) {
  switch (kind) {
    case StepKind::kCapture:
      return "payments.capture.create";
    case StepKind::kVoid:
      return "payments.payment.cancel";
    case StepKind::kExpiry:
      return "payments.payment.expire";
    case StepKind::kRefund:
      return "payments.refund.create";
    case StepKind::kDispute:
      return "payments.dispute.open";
    case StepKind::kAccept:
      return "payments.dispute.accept";
    case StepKind::kWithdraw:
      return "payments.dispute.withdraw";
    case StepKind::kResolve:
      return "payments.dispute.resolve";
  }
  return "";
}

std::string SubjectOf(const Step& step) {
  switch (step.kind) {
    case StepKind::kCapture:
      return FormatId(IdKind::kCapture, step.step_id);
    case StepKind::kRefund:
      return FormatId(IdKind::kRefund, step.step_id);
    case StepKind::kDispute:
      return FormatId(IdKind::kDispute, step.step_id);
    case StepKind::kVoid:
    case StepKind::kExpiry:
      return FormatId(IdKind::kPayment, step.payment_id);
    default:
      return FormatId(IdKind::kDispute, step.dispute_id);
  }
}

}  // namespace

Uuid DisputeOf(const Step& step) {
  if (step.kind != StepKind::kDispute) return step.dispute_id;
  return step.state == StepState::kSucceeded ? step.step_id : Uuid();
}

audit::Event EventOf(const StepIntent& intent, const Charge& charge) {
  const Step& step = intent.step;
  audit::Event event;
  event.action = std::string(ActionOf(step.kind));
  event.event_id = DeriveId("florin." + event.action, step.step_id.ToString());
  event.time = step.create_time;
  event.actor = step.kind == StepKind::kExpiry ? "payments" : FormatId(IdKind::kUser, step.user_id);
  event.subject = SubjectOf(step);
  event.origin = intent.origin;
  event.details = {{"amount_minor", std::to_string(step.amount_minor)},
                   {"currency", std::string(charge.payment.amount.currency.code())},
                   {"payment", FormatId(IdKind::kPayment, step.payment_id)}};
  if (step.final) event.details["final"] = "true";
  // Words of ours, unlike what people write.
  if (step.kind == StepKind::kDispute) event.details["reason_code"] = step.note;
  if (step.kind == StepKind::kResolve) event.details["outcome"] = step.note;
  if (step.state != StepState::kFailed) return event;
  return audit::Refuse(std::move(event),
                       ReasonFromName(step.failure_reason).value_or(Reason::kInternal));
}

absl::Status MayRespond(const Dispute& dispute, int texts, int more, absl::Time now) {
  if (!NextState(dispute.state, DisputeEvent::kRespond, Actor::kPayee) ||
      !dispute.deciding_step_id.is_nil() || now >= dispute.respond_by) {
    return Error(Reason::kDisputeClosed, "the dispute takes no more evidence",
                 {.metadata = {{"state", std::string(NameOf(dispute.state))}}});
  }
  if (texts + more > static_cast<int>(kMostEvidence)) {
    return Error(Reason::kInvalidEvidence, "too many texts", {.param = "texts"});
  }
  return absl::OkStatus();
}

}  // namespace florin::payments
