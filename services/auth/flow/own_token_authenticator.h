// Verifies the tokens that this very service signed, against the keys that it has.
//
// API keys are refused: no method of auth may be called with one, so that a stolen key changes
// nothing about keys, roles, proposals or the ways in which a user proves who they are.
#pragma once

#include <string>

#include "libs/clock/clock.h"
#include "libs/rpc/server.h"
#include "services/auth/flow/signing_keys.h"

namespace florin::auth {

// For auth's own methods with access USER: what identity::TokenAuthenticator is for the other
// services. Thread-safe. Errors: kTokenInvalid, kTokenExpired.
class OwnTokenAuthenticator : public rpc::Authenticator {
 public:
  // `keys` and `clock` outlive this.
  OwnTokenAuthenticator(const SigningKeys& keys, Clock& clock, std::string issuer)
      : keys_(keys), clock_(clock), issuer_(std::move(issuer)) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) override;

 private:
  const SigningKeys& keys_;
  Clock& clock_;
  const std::string issuer_;
};

}  // namespace florin::auth
