#include "services/auth/flow/sender_constraint.h"

namespace florin::auth {

absl::StatusOr<std::string> SenderConstraints::CheckProof(const ShownBySender& shown) {
  if (shown.dpop.empty()) return std::string();
  const absl::Time now = clock_.Now();
  FLORIN_ASSIGN_OR_RETURN(
      const identity::DpopProof proof,
      identity::CheckDpopProof({.proof = shown.dpop, .method = shown.method, .url = shown.url},
                               now));
  if (!nonces_.Check(proof.nonce, now)) {
    return Error(Reason::kUseDpopNonce, "the proof has not the nonce of the DPoP-Nonce field");
  }
  if (!replays_.Use(proof, now)) {
    return Error(Reason::kInvalidDpopProof, "the proof was used before");
  }
  return proof.key_thumbprint;
}

absl::StatusOr<crypto::Confirmation> SenderConstraints::Confirm(
    const Client& client, const std::string& key_thumbprint,
    const std::string& certificate_thumbprint) {
  crypto::Confirmation confirmation;
  if (client.require_mtls) {
    confirmation.certificate_thumbprint = certificate_thumbprint;
    if (confirmation.empty() || !key_thumbprint.empty()) {
      return Error(Reason::kInvalidRequest,
                   "the client's tokens are bound to its certificate, and to nothing else");
    }
    return confirmation;
  }
  confirmation.key_thumbprint = key_thumbprint;
  if (client.dpop_bound_access_tokens && confirmation.empty()) {
    return Error(Reason::kInvalidDpopProof, "the client's tokens are bound by a DPoP proof");
  }
  return confirmation;
}

}  // namespace florin::auth
