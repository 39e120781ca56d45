// The authorization server of florin-auth, wired.
#pragma once

#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/audit/recorder.h"
#include "libs/pg/pool.h"
#include "libs/process/process.h"
#include "libs/rpc/service.h"
#include "services/auth/flow/authorization.h"
#include "services/auth/flow/oauth_cleanup.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/rpc/clients_rpc.h"
#include "services/auth/rpc/oauth_rpc.h"
#include "services/auth/store/pg_oauth_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Made after the pool and the roles, which outlive it. Stop() it before the runtime.
class OAuthServer {
 public:
  OAuthServer(process::Process& process, pg::Pool& pool, RoleStore& roles, const SigningKeys& keys,
              audit::Recorder& audit);

  // For the pages behind /oauth/authorize.
  OAuthStore& store() { return store_; }
  AuthorizationRequests& requests() { return requests_; }
  // What it serves.
  OAuthRpc& oauth() { return oauth_; }
  ClientsRpc& clients() { return clients_; }

  // Ends the worker that deletes what has expired.
  void Stop() { cleaning_.Stop(); }

 private:
  const std::string issuer_;
  PgOAuthStore store_;
  AuthorizationRequests requests_;
  ClientAuthenticator authenticator_;
  SenderConstraints senders_;
  PushedAuthorization pushed_;
  TokenGrants grants_;
  TokenStatus tokens_;
  OAuthRpc oauth_;
  ClientsRpc clients_;
  OAuthCleanup cleanup_;
  async::Worker cleaning_;
};

}  // namespace florin::auth
