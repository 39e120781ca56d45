#include "services/auth/flow/payment_approvals.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/telemetry/metrics.h"

namespace florin::auth {
namespace {

void Record(const char* what, const absl::Status& status) {
  const std::string result(status.ok() ? "ok" : InfoOf(*ReasonOf(status)).name);
  telemetry::Count("florin_payment_approvals_total", {{"what", what}, {"result", result}});
}

}  // namespace

sca::Subject SubjectOf(ApprovalKind kind) {
  switch (kind) {
    case ApprovalKind::kPayment:
      break;
    case ApprovalKind::kSchedule:
      return sca::Subject::kSchedule;
    case ApprovalKind::kBulk:
      return sca::Subject::kBulk;
  }
  return sca::Subject::kPayment;
}

sca::PaymentBinding BindingOf(const PaymentApproval& approval) {
  return {.payment_id = approval.payment_id,
          .amount = approval.amount,
          .payee_account_id = approval.payee_account_id,
          .payee_name = approval.payee_name,
          .expire_time = approval.expire_time,
          .nonce = approval.nonce,
          .subject = SubjectOf(approval.kind),
          .terms = approval.terms};
}

absl::Time PaymentApprovals::Now() { return InMicroseconds(clock_.Now()); }

Task<absl::StatusOr<PaymentApproval>> PaymentApprovals::Ask(PaymentApproval approval) {
  FLORIN_CO_RETURN_IF_ERROR(CheckApproval(approval, sca::kNonceSize));
  approval.create_time = Now();
  approval.state = ApprovalState::kPending;
  absl::StatusOr<PaymentApproval> kept = co_await store_.InsertApproval(approval);
  if (!kept.ok()) co_return kept.status();
  if (!AskForTheSame(*kept, approval)) {
    co_return Error(Reason::kIdConflict, "the id stands for another approval",
                    {.param = "approval_id"});
  }
  co_return kept;
}

Task<absl::StatusOr<PaymentApproval>> PaymentApprovals::Get(Uuid user_id, Uuid approval_id) {
  absl::StatusOr<PaymentApproval> approval = co_await store_.FindApproval(approval_id);
  if (approval.ok() && approval->user_id != user_id) {
    co_return Error(Reason::kApprovalNotFound, "no such approval");
  }
  co_return approval;
}

Task<absl::StatusOr<PayerProver::Ceremony>> PaymentApprovals::Begin(Uuid user_id,
                                                                    Uuid approval_id) {
  const absl::StatusOr<PaymentApproval> approval = co_await Get(user_id, approval_id);
  if (!approval.ok()) co_return approval.status();
  FLORIN_CO_RETURN_IF_ERROR(CheckApprovable(*approval, Now()));
  std::string octets = sca::CanonicalOctets(BindingOf(*approval));
  absl::StatusOr<PayerProver::Ceremony> ceremony =
      co_await prover_.Begin(user_id, std::move(octets));
  if (!ceremony.ok()) co_return ceremony.status();
  ApprovalStore::Rule rule = [now = Now(), id = ceremony->ceremony_id](PaymentApproval& kept) {
    FLORIN_RETURN_IF_ERROR(CheckApprovable(kept, now));
    kept.ceremony_id = id;
    return absl::OkStatus();
  };
  const absl::StatusOr<PaymentApproval> updated =
      co_await store_.UpdateApproval(approval_id, std::move(rule), audit::Origin());
  if (!updated.ok()) co_return updated.status();
  co_return ceremony;
}

Task<absl::StatusOr<PaymentApproval>> PaymentApprovals::Approve(Uuid user_id, Uuid approval_id,
                                                                PayerProver::Proof proof,
                                                                audit::Origin origin) {
  if (proof.credential.empty() == proof.totp_code.empty()) {
    co_return Error(Reason::kInvalidField, "send credential or totp_code, and one only",
                    {.param = "credential"});
  }
  absl::StatusOr<PaymentApproval> approval = co_await Get(user_id, approval_id);
  if (!approval.ok()) co_return approval.status();
  FLORIN_CO_RETURN_IF_ERROR(CheckApprovable(*approval, Now()));
  if (approval->state == ApprovalState::kApproved) co_return approval;

  const std::string octets = sca::CanonicalOctets(BindingOf(*approval));
  Uuid ceremony_id = approval->ceremony_id;
  if (!proof.totp_code.empty()) {
    const absl::StatusOr<PayerProver::Ceremony> ceremony = co_await prover_.Begin(user_id, octets);
    if (!ceremony.ok()) co_return ceremony.status();
    ceremony_id = ceremony->ceremony_id;
  }
  if (ceremony_id.is_nil()) {
    co_return Error(Reason::kInvalidCredentials, "no proof was asked for");
  }
  const absl::Status proved =
      co_await prover_.Finish(user_id, ceremony_id, octets, std::move(proof));
  Record("approve", proved);
  if (!proved.ok()) co_return proved;
  ApprovalStore::Rule rule = [now = Now()](PaymentApproval& kept) {
    return auth::Approve(kept, now);
  };
  co_return co_await store_.UpdateApproval(approval_id, std::move(rule), std::move(origin));
}

Task<absl::StatusOr<PaymentApproval>> PaymentApprovals::Decline(Uuid user_id, Uuid approval_id,
                                                                audit::Origin origin) {
  const absl::StatusOr<PaymentApproval> approval = co_await Get(user_id, approval_id);
  if (!approval.ok()) co_return approval.status();
  ApprovalStore::Rule rule = [now = Now()](PaymentApproval& kept) {
    return auth::Decline(kept, now);
  };
  co_return co_await store_.UpdateApproval(approval_id, std::move(rule), std::move(origin));
}

Task<absl::StatusOr<PaymentApproval>> PaymentApprovals::Redeem(Uuid approval_id, Uuid payment_id,
                                                               crypto::Digest binding,
                                                               bool only_if_redeemed,
                                                               audit::Origin origin) {
  ApprovalStore::Rule rule = [now = Now(), payment_id, binding,
                              only_if_redeemed](PaymentApproval& kept) {
    const bool same_binding = sca::BindingDigest(BindingOf(kept)) == binding;
    return auth::Redeem(kept, payment_id, same_binding, only_if_redeemed, now);
  };
  absl::StatusOr<PaymentApproval> redeemed =
      co_await store_.UpdateApproval(approval_id, std::move(rule), std::move(origin));
  if (!only_if_redeemed) Record("redeem", redeemed.status());
  co_return redeemed;
}

}  // namespace florin::auth
