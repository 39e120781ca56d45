#include "services/auth/flow/authenticator_prover.h"

#include <utility>

namespace florin::auth {

Task<absl::StatusOr<PayerProver::Ceremony>> AuthenticatorProver::Begin(Uuid user_id,
                                                                       std::string octets) {
  absl::StatusOr<ApprovalCeremony> begun =
      co_await authenticators_.BeginApproval(user_id, std::move(octets));
  if (!begun.ok()) co_return begun.status();
  co_return Ceremony{
      .ceremony_id = begun->approval_id, .options = std::move(begun->options), .totp = begun->totp};
}

Task<absl::Status> AuthenticatorProver::Finish(Uuid user_id, Uuid ceremony_id, std::string octets,
                                               Proof proof) {
  ApprovalProof shown{.credential = std::move(proof.credential),
                      .totp_code = std::move(proof.totp_code)};
  Network network{.address = std::move(proof.client_address), .device = std::move(proof.device)};
  const absl::StatusOr<Approval> finished = co_await authenticators_.FinishApproval(
      user_id, ceremony_id, std::move(octets), std::move(shown), std::move(network));
  co_return finished.status();
}

}  // namespace florin::auth
