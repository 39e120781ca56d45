#include "services/payments/domain/step.h"

#include "libs/status/check.h"
#include "libs/text/text.h"
#include "services/payments/domain/request.h"

namespace florin::payments {
namespace {

constexpr StepKind kKinds[] = {StepKind::kCapture,  StepKind::kVoid,    StepKind::kExpiry,
                               StepKind::kRefund,   StepKind::kDispute, StepKind::kAccept,
                               StepKind::kWithdraw, StepKind::kResolve};

// Length first, so that no field can pass for the end of another.
void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
  out += ';';
}

}  // namespace

std::string_view NameOf(StepKind kind) {
  switch (kind) {
    case StepKind::kCapture:
      return "capture";
    case StepKind::kVoid:
      return "void";
    case StepKind::kExpiry:
      return "expiry";
    case StepKind::kRefund:
      return "refund";
    case StepKind::kDispute:
      return "dispute";
    case StepKind::kAccept:
      return "accept";
    case StepKind::kWithdraw:
      return "withdraw";
    case StepKind::kResolve:
      return "resolve";
  }
  FLORIN_CHECK(false, "every kind has a name");
  return {};
}

std::string_view NameOf(StepState state) {
  switch (state) {
    case StepState::kProcessing:
      return "processing";
    case StepState::kSucceeded:
      return "succeeded";
    case StepState::kFailed:
      return "failed";
  }
  FLORIN_CHECK(false, "every state has a name");
  return {};
}

absl::StatusOr<StepKind> ParseStepKind(std::string_view name) {
  for (const StepKind kind : kKinds) {
    if (name == NameOf(kind)) return kind;
  }
  return Error(Reason::kInternal, "no kind of step has this name");
}

absl::StatusOr<StepState> ParseStepState(std::string_view name) {
  for (const StepState state :
       {StepState::kProcessing, StepState::kSucceeded, StepState::kFailed}) {
    if (name == NameOf(state)) return state;
  }
  return Error(Reason::kInternal, "no state of a step has this name");
}

std::string CanonicalStep(const Step& step) {
  std::string out;
  AppendField(out, NameOf(step.kind));
  AppendField(out, step.payment_id.ToString());
  AppendField(out, step.dispute_id.ToString());
  AppendField(out, std::to_string(step.amount_minor));
  AppendField(out, step.final ? "final" : "");
  AppendField(out, step.note);
  // Only where there is one: what earlier versions kept stays what it was.
  if (!step.payee_account_id.is_nil()) AppendField(out, step.payee_account_id.ToString());
  return out;
}

absl::StatusOr<bool> ParseShortfallPolicy(std::string_view text) {
  if (text == "refuse") return false;
  if (text == "receivable") return true;
  return Error(Reason::kInvalidField, "neither refuse nor receivable",
               {.param = "refund_shortfall"});
}

absl::Status CheckNote(std::string_view note) {
  const std::optional<std::size_t> length = CountPlainCharacters(note);
  if (length && *length <= kLongestReference) return absl::OkStatus();
  return Error(Reason::kInvalidReference,
               "at most 140 characters of UTF-8 without control characters", {.param = "reason"});
}

std::int64_t CapturedOf(const Payment& payment) {
  if (payment.kind != Kind::kTransfer) return 0;
  if (payment.authorization_timeout) return payment.counters.captured_minor;
  return payment.state == State::kSucceeded ? payment.amount.minor_units : 0;
}

bool HasSeveralPayees(const Payment& payment) {
  return payment.pricing && !payment.pricing->splits.empty();
}

std::vector<Uuid> PayeesOf(const Payment& payment) {
  if (!HasSeveralPayees(payment)) return {payment.destination_account_id};
  std::vector<Uuid> ids;
  for (const Split& split : payment.pricing->splits) ids.push_back(split.destination_account_id);
  return ids;
}

Uuid PayeeOf(const Payment& payment, const Step& step) {
  return step.payee_account_id.is_nil() ? payment.destination_account_id : step.payee_account_id;
}

std::int64_t TakenFromPayee(const Payment& payment, const Step& step) {
  return ConversionOf(payment) != nullptr ? step.returned.payee_minor : step.amount_minor;
}

bool VisibleToPayee(const Payment& payment) {
  return payment.state == State::kSucceeded || payment.authorization_expire_time.has_value();
}

absl::Status FailureOf(const Step& step) {
  FLORIN_CHECK(step.state == StepState::kFailed, "only a failed step has a failure");
  // A newer ledger may know reasons that this program does not.
  const Reason reason = ReasonFromName(step.failure_reason).value_or(Reason::kInternal);
  std::map<std::string, std::string> metadata = {
      {"payment_id", FormatId(IdKind::kPayment, step.payment_id)}};
  if (step.remaining_minor) metadata["remaining_minor"] = std::to_string(*step.remaining_minor);
  return Error(reason, "the " + std::string(NameOf(step.kind)) + " was refused",
               {.metadata = std::move(metadata)});
}

}  // namespace florin::payments
