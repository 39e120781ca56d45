#include "services/payments/flow/approvals_double.h"

#include "libs/rpc/timestamp.h"
#include "libs/sca/payment_binding.h"

namespace florin::payments {
namespace {

using auth::v1::Approval;

absl::Status Unused() { return Error(Reason::kInternal, "payments does not call this"); }
absl::Status Unavailable() { return Error(Reason::kUnavailable, "told to fail"); }

// As auth makes it: of what it was told.
std::string BindingOf(const auth::v1::CreateApprovalRequest& request) {
  sca::Subject subject = sca::Subject::kPayment;
  if (!request.schedule_id().empty()) subject = sca::Subject::kSchedule;
  if (!request.bulk_id().empty()) subject = sca::Subject::kBulk;
  const std::string id = request.payment_id() + request.schedule_id() + request.bulk_id();
  const sca::PaymentBinding binding{
      .payment_id = *ParseId(sca::IdKindOf(subject), id, ""),
      .amount = {.minor_units = request.amount().minor_units(),
                 .currency = *Currency::Parse(request.amount().currency())},
      .payee_account_id = subject == sca::Subject::kBulk
                              ? Uuid()
                              : *ParseId(IdKind::kAccount, request.payee_account_id(), ""),
      .payee_name = request.payee_name(),
      .expire_time = TimeOf(request.expire_time()),
      .nonce = request.nonce(),
      .subject = subject,
      .terms = request.terms()};
  return std::string(crypto::AsOctets(sca::BindingDigest(binding)));
}

}  // namespace

void ApprovalsDouble::SetAvailable(bool available) {
  std::lock_guard lock(mutex_);
  available_ = available;
}

void ApprovalsDouble::LoseRedemptions(bool lose) {
  std::lock_guard lock(mutex_);
  lose_redemptions_ = lose;
}

void ApprovalsDouble::SetState(const std::string& approval_id, Approval::State state) {
  std::lock_guard lock(mutex_);
  rows_.at(approval_id).approval.set_state(state);
}

Approval ApprovalsDouble::Get(const std::string& approval_id) {
  std::lock_guard lock(mutex_);
  const auto row = rows_.find(approval_id);
  return row == rows_.end() ? Approval() : row->second.approval;
}

int ApprovalsDouble::redemptions() {
  std::lock_guard lock(mutex_);
  return redemptions_;
}

int ApprovalsDouble::redeem_calls() {
  std::lock_guard lock(mutex_);
  return redeem_calls_;
}

Task<absl::StatusOr<Approval>> ApprovalsDouble::CreateApproval(
    rpc::Call&, const auth::v1::CreateApprovalRequest& request) {
  std::lock_guard lock(mutex_);
  if (!available_) co_return Unavailable();
  Row& row = rows_[request.approval_id()];
  if (!row.asked.empty() && row.asked != request.SerializeAsString()) {
    co_return Error(Reason::kIdConflict, "another approval has this id");
  }
  if (row.asked.empty()) {
    row.asked = request.SerializeAsString();
    row.binding = BindingOf(request);
    row.approval.set_approval_id(request.approval_id());
    row.approval.set_state(Approval::PENDING);
    row.approval.set_kind(request.kind());
    row.approval.set_payment_id(request.payment_id());
    row.approval.set_schedule_id(request.schedule_id());
    row.approval.set_bulk_id(request.bulk_id());
    row.approval.set_terms(request.terms());
    *row.approval.mutable_amount() = request.amount();
    row.approval.set_payee_account_id(request.payee_account_id());
    row.approval.set_payee_name(request.payee_name());
    *row.approval.mutable_expire_time() = request.expire_time();
    row.approval.set_binding(crypto::Base64UrlEncode(row.binding));
  }
  co_return row.approval;
}

Task<absl::StatusOr<auth::v1::RedeemApprovalResponse>> ApprovalsDouble::RedeemApproval(
    rpc::Call&, const auth::v1::RedeemApprovalRequest& request) {
  std::lock_guard lock(mutex_);
  ++redeem_calls_;
  if (!available_) co_return Unavailable();
  const auto row = rows_.find(request.approval_id());
  if (row == rows_.end()) co_return Error(Reason::kApprovalNotFound, "no such approval");
  FLORIN_CO_RETURN_IF_ERROR(Redeem(row->second, request));
  if (lose_redemptions_) co_return Unavailable();
  co_return auth::v1::RedeemApprovalResponse();
}

absl::Status ApprovalsDouble::Redeem(Row& row, const auth::v1::RedeemApprovalRequest& request) {
  const bool same = request.binding() == row.binding &&
                    request.payment_id() == row.approval.payment_id() &&
                    request.schedule_id() == row.approval.schedule_id() &&
                    request.bulk_id() == row.approval.bulk_id();
  switch (row.approval.state()) {
    case Approval::REDEEMED:
      return same ? absl::OkStatus() : Error(Reason::kApprovalUsed, "used");
    case Approval::VOID:
      return Error(Reason::kApprovalUsed, "void");
    case Approval::DECLINED:
      return Error(Reason::kApprovalDeclined, "declined");
    default:
      break;
  }
  if (clock_.Now() >= TimeOf(row.approval.expire_time())) {
    return Error(Reason::kApprovalExpired, "expired");
  }
  if (!same) {
    row.approval.set_state(Approval::VOID);
    return Error(Reason::kApprovalMismatch, "another binding");
  }
  if (row.approval.state() != Approval::APPROVED || request.only_if_redeemed()) {
    return Error(Reason::kApprovalPending, "not approved, or not redeemed");
  }
  row.approval.set_state(Approval::REDEEMED);
  ++redemptions_;
  return absl::OkStatus();
}

Task<absl::StatusOr<Approval>> ApprovalsDouble::GetApproval(rpc::Call&,
                                                            const auth::v1::GetApprovalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<auth::v1::BeginApprovalResponse>> ApprovalsDouble::BeginApproval(
    rpc::Call&, const auth::v1::BeginApprovalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<Approval>> ApprovalsDouble::ApproveApproval(
    rpc::Call&, const auth::v1::ApproveApprovalRequest&) {
  co_return Unused();
}
Task<absl::StatusOr<Approval>> ApprovalsDouble::DeclineApproval(
    rpc::Call&, const auth::v1::DeclineApprovalRequest&) {
  co_return Unused();
}

}  // namespace florin::payments
