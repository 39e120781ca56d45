// The page of PagesRpc on which a payer approves a payment.
#include <algorithm>
#include <utility>

#include "services/auth/pages/approval_views.h"
#include "services/auth/pages/csrf.h"
#include "services/auth/pages/pages_rpc.h"

namespace florin::auth {
namespace {

constexpr Path kPage = "/auth/approval";

// The error that a person can do something about on the page itself, or nothing.
std::string_view SentenceFor(const absl::Status& error) {
  switch (ReasonOf(error).value_or(Reason::kInternal)) {
    case Reason::kInvalidCredentials:
      return WrongCredentials();
    case Reason::kChallengeExpired:
      return "That took too long. Try again.";
    case Reason::kSecondFactorRequired:
      return "This needs a passkey or a code.";
    case Reason::kInvalidField:
      return "Use a passkey, or give a code.";
    default:
      return {};
  }
}

// Of an approval that nothing more can be done about, or nothing for one that waits.
std::optional<ApprovalEndView> EndOf(const PaymentApproval& approval, absl::Time now) {
  if (HasExpired(approval, now)) return ApprovalEndView::kExpired;
  switch (approval.state) {
    case ApprovalState::kPending:
      return std::nullopt;
    case ApprovalState::kApproved:
      return ApprovalEndView::kApproved;
    case ApprovalState::kDeclined:
      return ApprovalEndView::kDeclined;
    case ApprovalState::kRedeemed:
      return ApprovalEndView::kPaid;
    case ApprovalState::kVoid:
      return ApprovalEndView::kVoid;
  }
  return std::nullopt;
}

WebResponse UnknownPage() {
  return PageResponse(404, RenderApprovalEnd(ApprovalEndView::kUnknown));
}

// The page, or for an approval that there is not, the one that says so.
absl::StatusOr<WebResponse> OrUnknownPage(absl::StatusOr<WebResponse> answer) {
  if (ReasonOf(answer.status()) == Reason::kApprovalNotFound) return UnknownPage();
  return OrErrorPage(std::move(answer));
}

PayerProver::Proof ProofOf(const WebRequest& request) {
  PayerProver::Proof proof{.credential = FormField(request, "credential"),
                           .totp_code = FormField(request, "code"),
                           .client_address = request.client_address(),
                           .device = CookieOf(request, kDeviceCookie)};
  std::string& code = proof.totp_code;
  code.erase(std::remove(code.begin(), code.end(), ' '), code.end());  // "123 456"
  return proof;
}

}  // namespace

PagesRpc::Answer PagesRpc::ApprovePayment(rpc::Call&, const WebRequest& request) {
  const bool posted = request.method() == "POST";
  // One that is no id is an approval that there is not.
  const absl::StatusOr<Uuid> id =
      ParseId(IdKind::kApproval,
              posted ? FormField(request, "approval_id") : QueryParameter(request, "id"), "id");
  if (!id.ok() && !posted) co_return UnknownPage();
  Answer task = posted ? PostApproval(request, id.value_or(Uuid())) : ShowApproval(request, *id);
  co_return OrUnknownPage(co_await std::move(task));
}

// Back to the approval once somebody has logged in (Account()).
PagesRpc::Answer PagesRpc::SendToLogInFor(Uuid approval_id) {
  absl::StatusOr<WebResponse> response = co_await SendToLogIn();
  if (!response.ok()) co_return response;
  SetCookie(*response, kApprovalCookie, FormatId(IdKind::kApproval, approval_id), kLoginLifetime);
  co_return response;
}

PagesRpc::Answer PagesRpc::ShowApproval(const WebRequest& request, Uuid approval_id) {
  const absl::StatusOr<Session> session =
      co_await parts_.sessions.Use(CookieOf(request, kSessionCookie));
  if (ReasonOf(session.status()) == Reason::kSessionMissing) {
    co_return co_await SendToLogInFor(approval_id);
  }
  if (!session.ok()) co_return session.status();
  std::string no_error;
  co_return co_await RenderApprovalPage(request, session->user_id, approval_id,
                                        std::move(no_error));
}

PagesRpc::Answer PagesRpc::RenderApprovalPage(const WebRequest& request, Uuid user_id,
                                              Uuid approval_id, std::string error) {
  FLORIN_CO_ASSIGN_OR_RETURN(const PaymentApproval approval,
                             co_await parts_.approvals.Get(user_id, approval_id));
  const std::optional<ApprovalEndView> end = EndOf(approval, parts_.clock.Now());
  if (end) co_return PageResponse(200, RenderApprovalEnd(*end, approval.kind));
  ApprovalView view;
  view.token = FormToken(CookieOf(request, kSessionCookie));
  view.approval_id = FormatId(IdKind::kApproval, approval.approval_id);
  view.amount = AmountText(approval.amount);
  view.payee_name = approval.payee_name;
  if (!approval.payee_account_id.is_nil()) {
    view.payee_account_id = FormatId(IdKind::kAccount, approval.payee_account_id);
  }
  view.kind = approval.kind;
  view.terms = approval.terms;
  view.expire_time = approval.expire_time;
  view.error = std::move(error);
  const absl::StatusOr<PayerProver::Ceremony> ceremony =
      co_await parts_.approvals.Begin(user_id, approval_id);
  // Without either the page says so.
  if (!ceremony.ok() && ReasonOf(ceremony.status()) != Reason::kSecondFactorRequired) {
    co_return ceremony.status();
  }
  if (ceremony.ok()) {
    view.passkey_options = ceremony->options;
    view.totp = ceremony->totp;
  }
  co_return PageResponse(view.error.empty() ? 200 : 400, RenderApproval(view));
}

PagesRpc::Answer PagesRpc::PostApproval(const WebRequest& request, Uuid approval_id) {
  const std::string secret = CookieOf(request, kSessionCookie);
  FLORIN_CO_RETURN_IF_ERROR(CheckForm(request, origin_, secret));
  if (approval_id.is_nil()) co_return UnknownPage();
  const absl::StatusOr<Session> session = co_await parts_.sessions.Use(secret);
  if (ReasonOf(session.status()) == Reason::kSessionMissing) {
    co_return co_await SendToLogInFor(approval_id);
  }
  if (!session.ok()) co_return session.status();
  PayerProver::Proof proof = ProofOf(request);
  const bool declined = FormField(request, "decision") == "decline";
  Task<absl::StatusOr<PaymentApproval>> deciding =
      declined
          ? parts_.approvals.Decline(session->user_id, approval_id, OriginOf(NetworkOf(request)))
          : parts_.approvals.Approve(session->user_id, approval_id, std::move(proof),
                                     OriginOf(NetworkOf(request)));
  const absl::StatusOr<PaymentApproval> decided = co_await std::move(deciding);
  const Reason reason =
      decided.ok() ? Reason::kInternal : ReasonOf(decided.status()).value_or(Reason::kInternal);
  // What became of it meanwhile is what the page shows.
  if (decided.ok() || reason == Reason::kApprovalExpired || reason == Reason::kApprovalDeclined ||
      reason == Reason::kApprovalUsed) {
    co_return SeeOther(kPage, FormatId(IdKind::kApproval, approval_id));
  }
  const std::string_view sentence = SentenceFor(decided.status());
  if (sentence.empty()) co_return decided.status();
  co_return co_await RenderApprovalPage(request, session->user_id, approval_id,
                                        std::string(sentence));
}

}  // namespace florin::auth
