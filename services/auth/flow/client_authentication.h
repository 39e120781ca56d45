// How an OAuth client proves who it is (RFC 6749 section 2.3, RFC 7523, RFC 8705, FAPI 2.0 Security
// Profile section 5.3.2.1).
#pragma once

#include <string>
#include <utility>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

// What a request shows of its client.
struct ShownByClient {
  Parameters parameters;               // Of the form.
  std::string authorization;           // The field of that name; there must be none.
  std::string certificate_thumbprint;  // Of the connection, or empty.
};

// Thread-safe. The arguments of the constructor outlive it.
class ClientAuthenticator {
 public:
  ClientAuthenticator(OAuthStore& store, Clock& clock, IdSource& ids, std::string issuer)
      : store_(store), clock_(clock), ids_(ids), issuer_(std::move(issuer)) {}

  // The client, by exactly the method that it was registered with. Error: kInvalidClient, the same
  // for every failure, so that nobody learns which clients there are; kUnavailable.
  //
  // An assertion (private_key_jwt) is signed by one of the client's keys, `iss` and `sub` are its
  // id, `aud` is the issuer as one string, `exp` is within five minutes, `iat` and `nbf`, if any,
  // at most ten seconds ahead, and its `jti` was not used before.
  Task<absl::StatusOr<Client>> Authenticate(ShownByClient shown);

 private:
  Task<absl::Status> CheckAssertion(Client client, std::string assertion);

  OAuthStore& store_;
  Clock& clock_;
  IdSource& ids_;
  const std::string issuer_;
};

}  // namespace florin::auth
