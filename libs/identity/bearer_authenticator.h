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
  // `auth` and `clock` outlive this.
  BearerAuthenticator(rpc::Channel& auth, Clock& clock)
      : tokens_(auth, clock), keys_(auth, clock) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string credential) override;

 private:
  TokenAuthenticator tokens_;
  ApiKeyAuthenticator keys_;
};

}  // namespace florin::identity
