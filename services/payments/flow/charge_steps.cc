#include "services/payments/flow/charge_steps.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/passing.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {
namespace {

ledger::v1::TransactionInput InputOf(const Payment& payment, const Step& step) {
  const StepTransaction transaction = TransactionOf(payment, step, step.attempt);
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, transaction.transaction_id));
  (*input.mutable_metadata())["payment_id"] = FormatId(IdKind::kPayment, payment.payment_id);
  (*input.mutable_metadata())["step"] = std::string(NameOf(step.kind));
  const std::string hold = FormatId(IdKind::kTransaction, transaction.hold_id);
  if (transaction.kind == StepTransaction::Kind::kCapture) {
    input.mutable_capture()->set_hold_id(hold);
    input.mutable_capture()->add_amounts_minor(transaction.amount_minor);
    input.mutable_capture()->set_final(transaction.final);
  } else if (transaction.kind == StepTransaction::Kind::kVoid) {
    input.mutable_void_()->set_hold_id(hold);
  }
  for (const StepPosting& posting : transaction.postings) {
    ledger::v1::Posting& proto = *input.add_postings();
    proto.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    proto.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    proto.set_amount_minor(posting.amount_minor);
    proto.set_balancing_debit(posting.balancing_debit);
    proto.set_balancing_credit(posting.balancing_credit);
  }
  return input;
}

// Whether the answer about `step` means that no money of the authorization was moved, or ever will
// be. While a capture is in flight that is not known.
bool LeavesAllUncaptured(const Payment& payment, const Step& step, const LedgerAnswer& answer) {
  if (step.kind != StepKind::kVoid && step.kind != StepKind::kExpiry) return false;
  if (payment.counters.captured_minor != 0 || payment.counters.capturing_minor != 0) return false;
  return answer.committed || answer.refusal_reason == InfoOf(Reason::kHoldExpired).name;
}

// An error about a step whose end is not known (yet).
absl::Status Unfinished(const Step& step, const absl::Status& cause) {
  const Reason reason = ReasonOf(cause).value_or(Reason::kInternal);
  return Error(MayPass(reason) ? reason : Reason::kInternal, "the step has not ended yet",
               {.metadata = {{"payment_id", FormatId(IdKind::kPayment, step.payment_id)}}});
}

void CountEnded(const Step& step) {
  const std::string result =
      step.state == StepState::kFailed ? step.failure_reason : std::string("succeeded");
  telemetry::Count("florin_payment_steps_ended_total",
                   {{"kind", std::string(NameOf(step.kind))}, {"result", result}});
}

}  // namespace

ChargeSteps::ChargeSteps(Executor executor, ChargeStore& store, Settlement& settlement,
                         RefundAccounts& accounts, Clock& clock)
    : store_(store),
      settlement_(settlement),
      accounts_(accounts),
      clock_(clock),
      records_(
          executor,
          [this](std::vector<StepResult> batch) { return RecordEach(store_, std::move(batch)); },
          {.max_batch = 50, .max_waiting = 10'000}) {}

Task<absl::StatusOr<std::vector<absl::StatusOr<StoredStep>>>> RecordEach(
    ChargeStore& store, std::vector<StepResult> results) {
  std::vector<absl::StatusOr<StoredStep>> each;
  absl::StatusOr<std::vector<StoredStep>> together = co_await store.RecordSteps(results);
  if (MayPass(together.status())) co_return together.status();
  if (together.ok()) {
    for (StoredStep& stored : *together) each.emplace_back(std::move(stored));
    co_return each;
  }
  for (StepResult& result : results) {
    const std::string id = FormatId(IdKind::kPayment, result.step.payment_id);
    std::vector<StepResult> one;
    one.push_back(std::move(result));
    absl::StatusOr<std::vector<StoredStep>> alone = co_await store.RecordSteps(std::move(one));
    if (alone.ok()) {
      each.emplace_back(std::move(alone->front()));
      continue;
    }
    telemetry::Log(telemetry::Severity::kError, "a step cannot be recorded",
                   {{"payment_id", id}, {"error", std::string(alone.status().message())}});
    each.emplace_back(alone.status());
  }
  co_return each;
}

Task<absl::StatusOr<ChargeSteps::Outcome>> ChargeSteps::Run(Step step, std::string idempotency_key,
                                                            audit::Origin origin) {
  step.create_time = NowInMicroseconds(clock_);
  step.update_time = step.create_time;
  const Uuid step_id = step.step_id;
  const crypto::Digest fingerprint = crypto::Sha256(CanonicalStep(step));
  StepIntent intent{.step = std::move(step),
                    .idempotency_key = std::move(idempotency_key),
                    .fingerprint = fingerprint,
                    .origin = std::move(origin)};
  absl::StatusOr<StoredStep> stored = co_await store_.BeginStep(std::move(intent));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->step.step_id != step_id;
  if (stored->step.state == StepState::kProcessing) {
    stored = co_await Finish(*std::move(stored));
    if (!stored.ok()) co_return stored.status();
  }
  co_return Outcome{
      .step = std::move(stored->step), .charge = std::move(stored->charge), .replayed = replayed};
}

Task<absl::Status> ChargeSteps::Expire(const Payment& payment) {
  const std::string id = FormatId(IdKind::kPayment, payment.payment_id);
  Step step{.step_id = DeriveId("florin.payments.expiry", id),
            .payment_id = payment.payment_id,
            .user_id = payment.user_id,
            .kind = StepKind::kExpiry};
  audit::Origin nobody;
  const absl::StatusOr<Outcome> ended = co_await Run(std::move(step), id, std::move(nobody));
  co_return ended.status();
}

Task<absl::StatusOr<StoredStep>> ChargeSteps::Finish(StoredStep stored) {
  const Step step = stored.step;
  absl::StatusOr<StoredStep> finished = co_await TryFinish(std::move(stored));
  if (!finished.ok()) co_return Unfinished(step, finished.status());
  CountEnded(finished->step);
  co_return finished;
}

Task<absl::StatusOr<StoredStep>> ChargeSteps::TryFinish(StoredStep stored) {
  Step& step = stored.step;
  if (NeedsHouseAccounts(step)) {
    FLORIN_CO_RETURN_IF_ERROR(co_await accounts_.EnsureOpen(stored.charge.payment, step));
  }
  step.attempt = 1;
  ledger::v1::TransactionInput first = InputOf(stored.charge.payment, step);
  absl::StatusOr<LedgerAnswer> answer =
      co_await settlement_.DecideFor(stored.charge.payment, std::move(first));
  if (!answer.ok()) co_return answer.status();
  // Its first id stays refused, so that every repetition comes here, too.
  if (answer->final && HasSecondAttempt(step, answer->refusal_reason)) {
    step.attempt = 2;
    ledger::v1::TransactionInput second = InputOf(stored.charge.payment, step);
    answer = co_await settlement_.DecideFor(stored.charge.payment, std::move(second));
    if (!answer.ok()) co_return answer.status();
  }
  if (!answer->committed && !answer->final) {
    telemetry::Log(telemetry::Severity::kError, "the ledger does not decide a step",
                   {{"payment_id", FormatId(IdKind::kPayment, step.payment_id)},
                    {"kind", std::string(NameOf(step.kind))},
                    {"reason", answer->refusal_reason}});
    co_return Error(Reason::kInternal, "the ledger does not decide the step");
  }
  const bool uncaptured = LeavesAllUncaptured(stored.charge.payment, step, *answer);
  if (uncaptured) {
    // Before the step says that it has ended: until then it is repeated.
    FLORIN_CO_RETURN_IF_ERROR(co_await settlement_.ReleaseLimits(stored.charge.payment));
  }
  StepResult result{.step = step, .answer = *std::move(answer), .time = NowInMicroseconds(clock_)};
  absl::StatusOr<absl::StatusOr<StoredStep>> answered = co_await records_.Submit(std::move(result));
  if (!answered.ok()) co_return answered.status();
  absl::StatusOr<StoredStep> recorded = *std::move(answered);
  if (recorded.ok() && !uncaptured) co_await ReleaseIfCanceled(recorded->charge.payment);
  co_return recorded;
}

Task<void> ChargeSteps::ReleaseIfCanceled(const Payment& payment) {
  if (payment.state != State::kCanceled || payment.limit_uses.empty()) co_return;
  const absl::Status released = co_await settlement_.ReleaseLimits(payment);
  if (released.ok()) co_return;
  telemetry::Log(telemetry::Severity::kWarning, "a canceled payment counts until its limits' end",
                 {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)},
                  {"error", std::string(released.message())}});
}

}  // namespace florin::payments
