// Pushed authorization requests (RFC 9126): the only way to begin an authorization.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/status/status.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

inline constexpr absl::Duration kRequestLifetime = absl::Seconds(60);

// Thread-safe. The arguments of the constructor outlive it.
class PushedAuthorization {
 public:
  PushedAuthorization(OAuthStore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Keeps what `client`, which is authenticated, asks for, and gives the `request_uri`, good for
  // sixty seconds. `key_thumbprint` is that of the request's DPoP proof, or empty; it or the
  // parameter `dpop_jkt` binds the code (RFC 9449 section 10). Errors: those of
  // ReadAuthorizationRequest(); kInvalidDpopProof if the two contradict each other; kUnavailable.
  Task<absl::StatusOr<std::string>> Push(Client client, Parameters parameters,
                                         std::string key_thumbprint);

 private:
  OAuthStore& store_;
  Clock& clock_;
};

// What is kept of a secret that was given out: a code, a refresh token, a request URI.
crypto::Digest DigestOf(std::string_view secret);

}  // namespace florin::auth
