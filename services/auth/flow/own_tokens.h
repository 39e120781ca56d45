// Auth's own authenticator: verifies the access tokens that it signed itself, with the keys that it
// has at hand.
//
// API keys are refused: no method of auth may be called with one, so that a stolen key changes
// nothing about keys, roles, proposals or the ways in which a user proves who they are.
#pragma once

#include <string>

#include "libs/clock/clock.h"
#include "libs/rpc/server.h"
#include "services/auth/flow/signing_keys.h"

namespace florin::auth {

// Thread-safe. Errors: kTokenInvalid, kTokenExpired.
class OwnTokens : public rpc::Authenticator {
 public:
  // `keys` and `clock` outlive this.
  OwnTokens(const SigningKeys& keys, Clock& clock) : keys_(keys), clock_(clock) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) override;

 private:
  const SigningKeys& keys_;
  Clock& clock_;
};

}  // namespace florin::auth
