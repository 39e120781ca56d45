#include "services/auth/rpc/approvals_rpc.h"

#include <algorithm>
#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"

namespace florin::auth {
namespace {

// No approval ends before 1970.
absl::StatusOr<absl::Time> ReadExpiry(const google::protobuf::Timestamp& proto) {
  FLORIN_ASSIGN_OR_RETURN(const absl::Time time, ReadTime(proto, "expire_time"));
  if (time >= absl::UnixEpoch()) return time;
  return Error(Reason::kInvalidField, "before 1970", {.param = "expire_time"});
}

v1::Approval::State ToProto(const PaymentApproval& approval, absl::Time now) {
  if (HasExpired(approval, now)) return v1::Approval::EXPIRED;
  switch (approval.state) {
    case ApprovalState::kPending:
      return v1::Approval::PENDING;
    case ApprovalState::kApproved:
      return v1::Approval::APPROVED;
    case ApprovalState::kDeclined:
      return v1::Approval::DECLINED;
    case ApprovalState::kRedeemed:
      return v1::Approval::REDEEMED;
    case ApprovalState::kVoid:
      return v1::Approval::VOID;
  }
  return v1::Approval::STATE_UNSPECIFIED;
}

absl::StatusOr<PaymentApproval> Parse(const v1::CreateApprovalRequest& proto) {
  if (proto.kind() != v1::Approval::PAYMENT) {
    return Error(Reason::kInvalidField, "only payments are approved", {.param = "kind"});
  }
  const absl::StatusOr<Currency> currency = Currency::Parse(proto.amount().currency());
  if (!currency.ok()) {
    return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = "amount.currency"});
  }
  PaymentApproval approval{
      .amount = {.minor_units = proto.amount().minor_units(), .currency = *currency},
      .payee_name = proto.payee_name(),
      .nonce = proto.nonce()};
  FLORIN_ASSIGN_OR_RETURN(approval.approval_id,
                          ParseId(IdKind::kApproval, proto.approval_id(), "approval_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.user_id, ParseId(IdKind::kUser, proto.user_id(), "user_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.payment_id,
                          ParseId(IdKind::kPayment, proto.payment_id(), "payment_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.payee_account_id,
                          ParseId(IdKind::kAccount, proto.payee_account_id(), "payee_account_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.expire_time, ReadExpiry(proto.expire_time()));
  return approval;
}

// Whose approval, and which.
struct Subject {
  Uuid user_id;
  Uuid approval_id;
};
absl::StatusOr<Subject> SubjectOf(const rpc::Call& call, const std::string& approval_id) {
  Subject subject;
  FLORIN_ASSIGN_OR_RETURN(subject.user_id, UserOf(call));
  FLORIN_ASSIGN_OR_RETURN(subject.approval_id,
                          ParseId(IdKind::kApproval, approval_id, "approval_id"));
  return subject;
}

}  // namespace

absl::StatusOr<v1::Approval> ApprovalsRpc::Answer(const absl::StatusOr<PaymentApproval>& approval) {
  if (!approval.ok()) return approval.status();
  v1::Approval proto;
  proto.set_approval_id(FormatId(IdKind::kApproval, approval->approval_id));
  proto.set_kind(v1::Approval::PAYMENT);
  proto.set_state(ToProto(*approval, clock_.Now()));
  proto.set_payment_id(FormatId(IdKind::kPayment, approval->payment_id));
  proto.mutable_amount()->set_currency(std::string(approval->amount.currency.code()));
  proto.mutable_amount()->set_minor_units(approval->amount.minor_units);
  proto.set_payee_account_id(FormatId(IdKind::kAccount, approval->payee_account_id));
  proto.set_payee_name(approval->payee_name);
  SetTime(approval->expire_time, *proto.mutable_expire_time());
  SetTime(approval->create_time, *proto.mutable_create_time());
  if (approval->approve_time) SetTime(*approval->approve_time, *proto.mutable_approve_time());
  const crypto::Digest binding = sca::BindingDigest(BindingOf(*approval));
  proto.set_binding(crypto::Base64UrlEncode(crypto::AsOctets(binding)));
  return proto;
}

Task<absl::StatusOr<v1::Approval>> ApprovalsRpc::CreateApproval(
    rpc::Call&, const v1::CreateApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(PaymentApproval approval, Parse(request));
  const absl::StatusOr<PaymentApproval> kept = co_await approvals_.Ask(std::move(approval));
  co_return Answer(kept);
}

Task<absl::StatusOr<v1::Approval>> ApprovalsRpc::GetApproval(
    rpc::Call& call, const v1::GetApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(call, request.approval_id()));
  const absl::StatusOr<PaymentApproval> approval =
      co_await approvals_.Get(subject.user_id, subject.approval_id);
  co_return Answer(approval);
}

Task<absl::StatusOr<v1::BeginApprovalResponse>> ApprovalsRpc::BeginApproval(
    rpc::Call& call, const v1::BeginApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(call, request.approval_id()));
  absl::StatusOr<PayerProver::Ceremony> ceremony =
      co_await approvals_.Begin(subject.user_id, subject.approval_id);
  if (!ceremony.ok()) co_return ceremony.status();
  v1::BeginApprovalResponse response;
  response.set_options(std::move(ceremony->options));
  response.set_totp(ceremony->totp);
  co_return response;
}

Task<absl::StatusOr<v1::Approval>> ApprovalsRpc::ApproveApproval(
    rpc::Call& call, const v1::ApproveApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(call, request.approval_id()));
  PayerProver::Proof proof{.credential = request.credential(),
                           .totp_code = request.totp_code(),
                           .client_address = call.client_address()};
  const absl::StatusOr<PaymentApproval> approval = co_await approvals_.Approve(
      subject.user_id, subject.approval_id, std::move(proof), audit::OriginOfCall(call));
  co_return Answer(approval);
}

Task<absl::StatusOr<v1::Approval>> ApprovalsRpc::DeclineApproval(
    rpc::Call& call, const v1::DeclineApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(call, request.approval_id()));
  const absl::StatusOr<PaymentApproval> approval =
      co_await approvals_.Decline(subject.user_id, subject.approval_id, audit::OriginOfCall(call));
  co_return Answer(approval);
}

Task<absl::StatusOr<v1::RedeemApprovalResponse>> ApprovalsRpc::RedeemApproval(
    rpc::Call& call, const v1::RedeemApprovalRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid approval_id,
                             ParseId(IdKind::kApproval, request.approval_id(), "approval_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payment_id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  crypto::Digest binding;
  if (request.binding().size() != binding.size()) {
    co_return Error(Reason::kInvalidField, "a digest has 32 octets", {.param = "binding"});
  }
  std::copy(request.binding().begin(), request.binding().end(), binding.begin());
  const absl::StatusOr<PaymentApproval> redeemed = co_await approvals_.Redeem(
      approval_id, payment_id, binding, request.only_if_redeemed(), audit::OriginOfCall(call));
  if (!redeemed.ok()) co_return redeemed.status();
  v1::RedeemApprovalResponse response;
  if (redeemed->approve_time) SetTime(*redeemed->approve_time, *response.mutable_approve_time());
  co_return response;
}

}  // namespace florin::auth
