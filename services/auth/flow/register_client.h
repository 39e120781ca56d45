// Registration of OAuth clients by operators.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/status/status.h"
#include "services/auth/store/oauth_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class RegisterClient {
 public:
  RegisterClient(OAuthStore& store, Clock& clock, IdSource& ids)
      : store_(store), clock_(clock), ids_(ids) {}

  // Registers the client under its id, and gives it; the one that is there, if it has the same
  // metadata. Errors: those of CheckClient(); kInvalidClientMetadata for a JWKS that is none, or
  // has keys that are not good (libs/crypto/jwk.h); kClientExists; kUnavailable. In the audit trail
  // as auth.client.register, by whoever called.
  Task<absl::StatusOr<Client>> Run(Client client, audit::Origin origin = {});

 private:
  OAuthStore& store_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::auth
