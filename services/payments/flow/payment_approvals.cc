#include "services/payments/flow/payment_approvals.h"

#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "services/payments/domain/approval.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {
namespace {

auth::v1::CreateApprovalRequest RequestOf(const Payment& payment) {
  const ApprovalTerms& terms = *payment.approval;
  const sca::PaymentBinding binding = BindingOf(payment);
  auth::v1::CreateApprovalRequest request;
  request.set_approval_id(FormatId(IdKind::kApproval, terms.approval_id));
  request.set_user_id(FormatId(IdKind::kUser, payment.user_id));
  request.set_kind(auth::v1::Approval::PAYMENT);
  request.set_payment_id(FormatId(IdKind::kPayment, payment.payment_id));
  request.mutable_amount()->set_currency(std::string(binding.amount.currency.code()));
  request.mutable_amount()->set_minor_units(binding.amount.minor_units);
  request.set_payee_account_id(FormatId(IdKind::kAccount, payment.destination_account_id));
  request.set_payee_name(terms.payee_name);
  SetTime(terms.expire_time, *request.mutable_expire_time());
  request.set_nonce(binding.nonce);
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
  const auth::v1::CreateApprovalRequest request = RequestOf(payment);
  const absl::StatusOr<auth::v1::Approval> approval =
      co_await approvals_.CreateApproval(std::move(context), request);
  co_return approval.ok() ? absl::OkStatus() : Explained(approval.status());
}

Task<absl::Status> PaymentApprovals::Redeem(rpc::Outgoing context, Payment payment,
                                            crypto::Digest binding, bool only_if_redeemed) {
  auth::v1::RedeemApprovalRequest request;
  request.set_approval_id(FormatId(IdKind::kApproval, payment.approval->approval_id));
  request.set_payment_id(FormatId(IdKind::kPayment, payment.payment_id));
  request.set_binding(std::string(crypto::AsOctets(binding)));
  request.set_only_if_redeemed(only_if_redeemed);
  absl::StatusOr<auth::v1::RedeemApprovalResponse> redeemed =
      co_await approvals_.RedeemApproval(context, request);
  if (ReasonOf(redeemed.status()) == Reason::kApprovalNotFound) {
    // A crash between the payment and the question.
    FLORIN_CO_RETURN_IF_ERROR(co_await Ask(context, payment));
    redeemed = co_await approvals_.RedeemApproval(context, request);
  }
  co_return redeemed.ok() ? absl::OkStatus() : Explained(redeemed.status());
}

}  // namespace florin::payments
