// Authenticates whatever stands behind `Authorization: Bearer`: an access token or an API key, told
// apart by their shape alone. What the gateway and every service that holds users' data run.
#pragma once

#include <string>

#include "libs/clock/clock.h"
#include "libs/identity/api_key_authenticator.h"
#include "libs/identity/token_authenticator.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"

namespace florin::identity {

// Thread-safe. Errors: those of TokenAuthenticator and of ApiKeyAuthenticator.
class BearerAuthenticator : public rpc::Authenticator {
 public:
  // `auth` and `clock` outlive this. Only tokens of `issuer` are accepted.
  // Verdicts on keys are remembered as --api_key_memory says.
  BearerAuthenticator(rpc::Channel& auth, Clock& clock, std::string issuer);

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string credential) override;

  // See TokenAuthenticator. Keys need none of it.
  Task<void> WatchRevocations() { return tokens_.WatchRevocations(); }

 private:
  TokenAuthenticator tokens_;
  ApiKeyAuthenticator keys_;
};

}  // namespace florin::identity
