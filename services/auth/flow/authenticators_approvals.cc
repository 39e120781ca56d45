// Approvals bound to a text: dynamic linking (RTS Art. 5).
#include <utility>

#include "services/auth/flow/authenticators.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kApprovalLifetime = absl::Minutes(5);
constexpr std::size_t kNonceOctets = 32;
constexpr std::size_t kMaxOctets = 4096;

absl::Status Expired() { return Error(Reason::kChallengeExpired, "no such approval is under way"); }

}  // namespace

Task<absl::StatusOr<ApprovalCeremony>> Authenticators::BeginApproval(Uuid user_id,
                                                                     std::string octets) {
  if (octets.empty() || octets.size() > kMaxOctets) {
    co_return Error(Reason::kInvalidField, "1 to 4096 octets", {.param = "octets"});
  }
  const absl::StatusOr<std::vector<Passkey>> passkeys = co_await parts_.store.ListPasskeys(user_id);
  if (!passkeys.ok()) co_return passkeys.status();
  const absl::StatusOr<std::optional<TotpSecret>> totp = co_await parts_.store.FindTotp(user_id);
  if (!totp.ok()) co_return totp.status();
  ApprovalCeremony ceremony;
  ceremony.totp = totp->has_value() && (*totp)->confirm_time;
  if (passkeys->empty() && !ceremony.totp) {
    co_return Error(Reason::kSecondFactorRequired, "the user has nothing to approve with");
  }
  const absl::Time now = Now();
  ApprovalRequest request;
  request.approval_id = parts_.ids.NewId();
  request.user_id = user_id;
  request.octets = std::move(octets);
  request.nonce = crypto::RandomOctets(kNonceOctets);
  request.create_time = now;
  request.expire_time = now + kApprovalLifetime;
  ceremony.approval_id = request.approval_id;
  if (!passkeys->empty()) {
    std::vector<std::string> allowed;
    for (const Passkey& passkey : *passkeys) allowed.push_back(passkey.credential_id);
    ceremony.options = crypto::PasskeyRequestOptions(
        options_.relying_party, crypto::ApprovalChallenge(request.nonce, request.octets), allowed);
  }
  const absl::StatusOr<bool> put = co_await parts_.store.PutApproval(std::move(request));
  if (!put.ok()) co_return put.status();
  co_return ceremony;
}

// Gives the factor that approved.
Task<absl::StatusOr<Uuid>> Authenticators::Approve(ApprovalRequest request, ApprovalProof proof,
                                                   Network network) {
  if (proof.credential.empty()) {
    co_return co_await VerifyTotp(request.user_id, std::move(proof.totp_code), std::move(network));
  }
  const absl::StatusOr<Passkey> passkey = co_await AcceptAssertion(
      crypto::ApprovalChallenge(request.nonce, request.octets), std::move(proof.credential));
  if (!passkey.ok()) co_return passkey.status();
  if (passkey->user_id != request.user_id) {
    co_return Error(Reason::kInvalidCredentials, "what was sent does not prove who it is");
  }
  co_return passkey->factor_id;
}

Task<absl::StatusOr<Approval>> Authenticators::FinishApproval(Uuid user_id, Uuid approval_id,
                                                              std::string octets,
                                                              ApprovalProof proof,
                                                              Network network) {
  if (proof.credential.empty() == proof.totp_code.empty()) {
    co_return Error(Reason::kInvalidField, "a credential or a code", {.param = "proof"});
  }
  absl::StatusOr<std::optional<ApprovalRequest>> request =
      co_await parts_.store.FindApproval(approval_id);
  if (!request.ok()) co_return request.status();
  if (!request->has_value() || (*request)->user_id != user_id || (*request)->expire_time <= Now()) {
    co_return Expired();
  }
  ApprovalEnd end;
  end.approval_id = approval_id;
  end.kind = proof.credential.empty() ? FactorKind::kTotp : FactorKind::kPasskey;
  end.end_time = Now();
  if ((*request)->octets != octets) {
    const absl::StatusOr<bool> ended = co_await parts_.store.EndApproval(std::move(end));
    if (!ended.ok()) co_return ended.status();
    co_return Error(Reason::kApprovalMismatch, "another text was approved");
  }
  end.credential = proof.credential;
  const absl::StatusOr<Uuid> factor_id =
      co_await Approve(**std::move(request), std::move(proof), std::move(network));
  if (!factor_id.ok()) co_return factor_id.status();
  end.approved = true;
  end.factor_id = *factor_id;
  Approval approval;
  approval.approval_id = approval_id;
  approval.factor_id = *factor_id;
  approval.kind = end.kind;
  approval.approve_time = end.end_time;
  const absl::StatusOr<bool> ended = co_await parts_.store.EndApproval(std::move(end));
  if (!ended.ok()) co_return ended.status();
  if (!*ended) co_return Expired();
  co_return approval;
}

}  // namespace florin::auth
