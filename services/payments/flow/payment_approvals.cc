#include "services/payments/flow/payment_approvals.h"

#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "services/payments/domain/approval.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {
namespace {

AskedApproval AskedOf(const Payment& payment) {
  return {.approval_id = payment.approval->approval_id,
          .user_id = payment.user_id,
          .binding = BindingOf(payment)};
}

auth::v1::Approval::Kind KindOf(sca::Subject subject) {
  switch (subject) {
    case sca::Subject::kPayment:
      break;
    case sca::Subject::kSchedule:
      return auth::v1::Approval::SCHEDULE;
    case sca::Subject::kBulk:
      return auth::v1::Approval::BULK;
  }
  return auth::v1::Approval::PAYMENT;
}

// In the one of the message's three fields that is for it.
template <class Request>
void SetSubject(const sca::PaymentBinding& binding, Request& request) {
  const std::string id = FormatId(sca::IdKindOf(binding.subject), binding.payment_id);
  switch (binding.subject) {
    case sca::Subject::kPayment:
      return request.set_payment_id(id);
    case sca::Subject::kSchedule:
      return request.set_schedule_id(id);
    case sca::Subject::kBulk:
      return request.set_bulk_id(id);
  }
}

auth::v1::CreateApprovalRequest RequestOf(const AskedApproval& asked) {
  const sca::PaymentBinding& binding = asked.binding;
  auth::v1::CreateApprovalRequest request;
  request.set_approval_id(FormatId(IdKind::kApproval, asked.approval_id));
  request.set_user_id(FormatId(IdKind::kUser, asked.user_id));
  request.set_kind(KindOf(binding.subject));
  SetSubject(binding, request);
  request.mutable_amount()->set_currency(std::string(binding.amount.currency.code()));
  request.mutable_amount()->set_minor_units(binding.amount.minor_units);
  if (!binding.payee_account_id.is_nil()) {
    request.set_payee_account_id(FormatId(IdKind::kAccount, binding.payee_account_id));
  }
  request.set_payee_name(binding.payee_name);
  SetTime(binding.expire_time, *request.mutable_expire_time());
  request.set_nonce(binding.nonce);
  request.set_terms(binding.terms);
  return request;
}

// Passing faults are told as they are. What auth refuses of our own making is a fault of ours.
absl::Status Explained(const absl::Status& error) {
  switch (ReasonOf(error).value_or(Reason::kInternal)) {
    case Reason::kUnavailable:
    case Reason::kDeadlineExceeded:
    case Reason::kOverloaded:
    case Reason::kApprovalPending:
    case Reason::kApprovalMismatch:
    case Reason::kApprovalUsed:
    case Reason::kApprovalExpired:
    case Reason::kApprovalDeclined:
      return error;
    default:
      telemetry::Log(telemetry::Severity::kError, "auth refuses an approval",
                     {{"error", std::string(error.message())}});
      return Error(Reason::kInternal, "auth refuses the approval");
  }
}

}  // namespace

Task<absl::Status> PaymentApprovals::Ask(rpc::Outgoing context, Payment payment) {
  AskedApproval asked = AskedOf(payment);
  co_return co_await Ask(std::move(context), std::move(asked));
}

Task<absl::Status> PaymentApprovals::Ask(rpc::Outgoing context, AskedApproval asked) {
  const auth::v1::CreateApprovalRequest request = RequestOf(asked);
  const absl::StatusOr<auth::v1::Approval> approval =
      co_await approvals_.CreateApproval(std::move(context), request);
  co_return approval.ok() ? absl::OkStatus() : Explained(approval.status());
}

Task<absl::Status> PaymentApprovals::Redeem(rpc::Outgoing context, Payment payment,
                                            crypto::Digest binding, bool only_if_redeemed) {
  AskedApproval asked = AskedOf(payment);
  co_return co_await RedeemFor(std::move(context), std::move(asked), binding, only_if_redeemed);
}

Task<absl::Status> PaymentApprovals::Redeem(rpc::Outgoing context, AskedApproval asked,
                                            bool only_if_redeemed) {
  const crypto::Digest binding = sca::BindingDigest(asked.binding);
  co_return co_await RedeemFor(std::move(context), std::move(asked), binding, only_if_redeemed);
}

Task<absl::Status> PaymentApprovals::RedeemFor(rpc::Outgoing context, AskedApproval asked,
                                               crypto::Digest binding, bool only_if_redeemed) {
  auth::v1::RedeemApprovalRequest request;
  request.set_approval_id(FormatId(IdKind::kApproval, asked.approval_id));
  SetSubject(asked.binding, request);
  request.set_binding(std::string(crypto::AsOctets(binding)));
  request.set_only_if_redeemed(only_if_redeemed);
  absl::StatusOr<auth::v1::RedeemApprovalResponse> redeemed =
      co_await approvals_.RedeemApproval(context, request);
  if (ReasonOf(redeemed.status()) == Reason::kApprovalNotFound) {
    // A crash between the payment or order and the question.
    FLORIN_CO_RETURN_IF_ERROR(co_await Ask(context, std::move(asked)));
    redeemed = co_await approvals_.RedeemApproval(context, request);
  }
  co_return redeemed.ok() ? absl::OkStatus() : Explained(redeemed.status());
}

}  // namespace florin::payments
