#include "services/payments/domain/approval.h"

#include <utility>

#include "libs/status/check.h"
#include "services/payments/domain/state_machine.h"

namespace florin::payments {
namespace {

void Move(Payment& payment, Event event, Actor by) {
  const std::optional<State> next = NextState(payment.state, event, by);
  FLORIN_CHECK(next.has_value(), "only a payment that requires action is started or given up");
  payment.state = *next;
}

}  // namespace

Uuid ApprovalIdOf(const Uuid& payment_id) {
  return DeriveId("florin.payments.approval", FormatId(IdKind::kPayment, payment_id));
}

ApprovalTerms NewTerms(const Uuid& payment_id, std::string payee_name, std::string nonce,
                       absl::Time now) {
  return {.approval_id = ApprovalIdOf(payment_id),
          .payee_name = std::move(payee_name),
          .nonce = std::move(nonce),
          .expire_time = now + kApprovalTime,
          .approved_binding = ""};
}

Payment AwaitApproval(Payment payment, ApprovalTerms terms) {
  const std::optional<State> state =
      NextState(std::nullopt, Event::kCreateForApproval, Actor::kOwner);
  FLORIN_CHECK(state.has_value(), "an owner may create a payment that requires action");
  payment.state = *state;
  payment.approval = std::move(terms);
  return payment;
}

Payment StartApproved(Payment payment, std::string binding, absl::Time now) {
  Move(payment, Event::kApprovalRedeemed, Actor::kAuth);
  payment.approval->approved_binding = std::move(binding);
  payment.update_time = now;
  return payment;
}

Payment GiveUp(Payment payment, Reason reason, absl::Time now) {
  const bool by_owner = reason == Reason::kPaymentCanceled;
  Move(payment, by_owner ? Event::kCancel : Event::kApprovalRefused,
       by_owner ? Actor::kOwner : Actor::kAuth);
  payment.failure_reason = InfoOf(reason).name;
  payment.update_time = now;
  return payment;
}

bool EndsPayment(Reason reason) {
  return reason == Reason::kApprovalMismatch || reason == Reason::kApprovalUsed ||
         reason == Reason::kApprovalExpired || reason == Reason::kApprovalDeclined ||
         reason == Reason::kHolderRoleMissing || reason == Reason::kAccountNotFound;
}

absl::Status CancellationOf(const Payment& payment) {
  FLORIN_CHECK(payment.state == State::kCanceled, "only a canceled payment has a cancellation");
  const Reason reason = ReasonFromName(payment.failure_reason).value_or(Reason::kInternal);
  return Error(reason, "the payment was given up",
               {.metadata = {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)}}});
}

}  // namespace florin::payments
