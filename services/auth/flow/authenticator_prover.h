// The authenticators as provers of payers.
#pragma once

#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/payer_prover.h"

namespace florin::auth {

// Thread-safe.
class AuthenticatorProver : public PayerProver {
 public:
  // `authenticators` outlives this.
  explicit AuthenticatorProver(Authenticators& authenticators) : authenticators_(authenticators) {}

  Task<absl::StatusOr<Ceremony>> Begin(Uuid user_id, std::string octets) override;
  Task<absl::Status> Finish(Uuid user_id, Uuid ceremony_id, std::string octets,
                            Proof proof) override;

 private:
  Authenticators& authenticators_;
};

}  // namespace florin::auth
