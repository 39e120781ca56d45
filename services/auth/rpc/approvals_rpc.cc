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

absl::StatusOr<ApprovalKind> ParseKind(v1::Approval::Kind kind) {
  switch (kind) {
    case v1::Approval::PAYMENT:
      return ApprovalKind::kPayment;
    case v1::Approval::SCHEDULE:
      return ApprovalKind::kSchedule;
    case v1::Approval::BULK:
      return ApprovalKind::kBulk;
    default:
      return Error(Reason::kInvalidField, "payments, schedules and bulks are approved",
                   {.param = "kind"});
  }
}

// The id of what is approved, from whichever of a message's three fields has it.
template <class Proto>
absl::StatusOr<Uuid> ParseSubject(const Proto& proto, ApprovalKind kind) {
  const int given = static_cast<int>(!proto.payment_id().empty()) +
                    static_cast<int>(!proto.schedule_id().empty()) +
                    static_cast<int>(!proto.bulk_id().empty());
  if (given > 1) {
    return Error(Reason::kInvalidField, "one of payment_id, schedule_id and bulk_id",
                 {.param = "payment_id"});
  }
  switch (kind) {
    case ApprovalKind::kPayment:
      break;
    case ApprovalKind::kSchedule:
      return ParseId(IdKind::kSchedule, proto.schedule_id(), "schedule_id");
    case ApprovalKind::kBulk:
      return ParseId(IdKind::kBulk, proto.bulk_id(), "bulk_id");
  }
  return ParseId(IdKind::kPayment, proto.payment_id(), "payment_id");
}

ApprovalKind KindOf(const v1::RedeemApprovalRequest& proto) {
  if (!proto.schedule_id().empty()) return ApprovalKind::kSchedule;
  return proto.bulk_id().empty() ? ApprovalKind::kPayment : ApprovalKind::kBulk;
}

// Which is its kind, too: the enums of the API have an unspecified value first.
void SetSubject(const PaymentApproval& approval, v1::Approval& proto) {
  proto.set_kind(static_cast<v1::Approval::Kind>(static_cast<int>(approval.kind) + 1));
  std::string id = FormatId(sca::IdKindOf(SubjectOf(approval.kind)), approval.payment_id);
  switch (approval.kind) {
    case ApprovalKind::kPayment:
      proto.set_payment_id(std::move(id));
      break;
    case ApprovalKind::kSchedule:
      proto.set_schedule_id(std::move(id));
      break;
    case ApprovalKind::kBulk:
      proto.set_bulk_id(std::move(id));
      break;
  }
}

absl::StatusOr<PaymentApproval> Parse(const v1::CreateApprovalRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(const ApprovalKind kind, ParseKind(proto.kind()));
  const absl::StatusOr<Currency> currency = Currency::Parse(proto.amount().currency());
  if (!currency.ok()) {
    return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = "amount.currency"});
  }
  PaymentApproval approval{
      .amount = {.minor_units = proto.amount().minor_units(), .currency = *currency},
      .payee_name = proto.payee_name(),
      .nonce = proto.nonce(),
      .kind = kind,
      .terms = proto.terms()};
  FLORIN_ASSIGN_OR_RETURN(approval.approval_id,
                          ParseId(IdKind::kApproval, proto.approval_id(), "approval_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.user_id, ParseId(IdKind::kUser, proto.user_id(), "user_id"));
  FLORIN_ASSIGN_OR_RETURN(approval.payment_id, ParseSubject(proto, kind));
  if (kind != ApprovalKind::kBulk || !proto.payee_account_id().empty()) {
    FLORIN_ASSIGN_OR_RETURN(
        approval.payee_account_id,
        ParseId(IdKind::kAccount, proto.payee_account_id(), "payee_account_id"));
  }
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
  SetSubject(*approval, proto);
  proto.set_terms(approval->terms);
  proto.set_state(ToProto(*approval, clock_.Now()));
  proto.mutable_amount()->set_currency(std::string(approval->amount.currency.code()));
  proto.mutable_amount()->set_minor_units(approval->amount.minor_units);
  if (!approval->payee_account_id.is_nil()) {
    proto.set_payee_account_id(FormatId(IdKind::kAccount, approval->payee_account_id));
  }
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
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payment_id, ParseSubject(request, KindOf(request)));
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
