#include "services/payments/flow/confirm_payment.h"

#include <utility>
#include <vector>

#include "libs/telemetry/metrics.h"
#include "services/payments/domain/approval.h"

namespace florin::payments {

Task<absl::StatusOr<Payment>> ConfirmPayment::Run(rpc::Outgoing context, Uuid user_id,
                                                  Uuid payment_id, audit::Origin origin) {
  absl::StatusOr<Payment> payment =
      co_await store_.BeginConfirm(user_id, payment_id, NowInMicroseconds(clock_));
  if (!payment.ok()) co_return payment.status();
  if (payment->state == State::kRequiresAction) {
    const absl::Status right = co_await CheckRight(context, *payment);
    if (!right.ok()) co_return co_await GiveUp(*std::move(payment), right, std::move(origin));
    payment = co_await Start(std::move(context), *std::move(payment), false, std::move(origin));
  }
  if (!payment.ok() || payment->state != State::kProcessing) co_return payment;
  co_return co_await settlement_.Settle(*std::move(payment));
}

Task<absl::StatusOr<Payment>> ConfirmPayment::Resume(Payment payment) {
  rpc::Outgoing context;
  audit::Origin nobody;
  absl::StatusOr<Payment> started =
      co_await Start(std::move(context), std::move(payment), true, std::move(nobody));
  if (!started.ok() || started->state != State::kProcessing) co_return started;
  co_return co_await settlement_.Settle(*std::move(started));
}

Task<absl::StatusOr<Payment>> ConfirmPayment::Start(rpc::Outgoing context, Payment payment,
                                                    bool only_if_redeemed, audit::Origin origin) {
  const crypto::Digest binding = sca::BindingDigest(BindingOf(payment));
  const absl::Status redeemed =
      co_await approvals_.Redeem(std::move(context), payment, binding, only_if_redeemed);
  if (!redeemed.ok()) co_return co_await GiveUp(std::move(payment), redeemed, std::move(origin));
  absl::StatusOr<Payment> started = co_await store_.Start(
      payment.user_id, payment.payment_id, binding, NowInMicroseconds(clock_), origin);
  if (!started.ok()) {
    co_return co_await GiveUp(std::move(payment), started.status(), std::move(origin));
  }
  co_return started;
}

Task<absl::Status> ConfirmPayment::CheckRight(rpc::Outgoing context, Payment payment) {
  if (accounts_ == nullptr) co_return absl::OkStatus();
  std::vector<Uuid> ids = {payment.source_account_id};
  const auto found = co_await accounts_->LookUp(context, std::move(ids));
  if (!found.ok()) co_return found.status();
  co_return (co_await accounts_->PayerFrom(std::move(context), payment.user_id, found->front()))
      .status();
}

// If `why` ends it. Otherwise that is for the caller to know.
Task<absl::StatusOr<Payment>> ConfirmPayment::GiveUp(Payment payment, absl::Status why,
                                                     audit::Origin origin) {
  const Reason reason = ReasonOf(why).value_or(Reason::kInternal);
  if (!EndsPayment(reason)) {
    co_return Error(reason, std::string(why.message()),
                    {.metadata = {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)}}});
  }
  absl::StatusOr<Payment> given_up = co_await store_.GiveUp(
      payment.user_id, payment.payment_id, reason, NowInMicroseconds(clock_), std::move(origin));
  if (given_up.ok() && given_up->state == State::kCanceled) {
    telemetry::Count("florin_payments_ended_total", {{"kind", std::string(NameOf(given_up->kind))},
                                                     {"result", given_up->failure_reason}});
  }
  co_return given_up;
}

Task<absl::StatusOr<Payment>> ConfirmPayment::Cancel(Uuid user_id, Uuid payment_id,
                                                     audit::Origin origin) {
  absl::StatusOr<Payment> payment = co_await store_.GiveUp(
      user_id, payment_id, Reason::kPaymentCanceled, NowInMicroseconds(clock_), std::move(origin));
  if (!payment.ok()) co_return payment.status();
  if (payment->state != State::kCanceled) {
    co_return Error(Reason::kPaymentNotCancelable, "the payment does not wait for its approval");
  }
  co_return payment;
}

}  // namespace florin::payments
