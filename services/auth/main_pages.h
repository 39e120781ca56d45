// Sessions and the pages for people, wired.
#pragma once

#include <string>
#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/authorization.h"
#include "services/auth/flow/logins.h"
#include "services/auth/flow/payment_approvals.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/sessions.h"
#include "services/auth/pages/pages_rpc.h"
#include "services/auth/store/oauth_store.h"
#include "services/auth/store/pg_login_store.h"
#include "services/auth/store/pg_session_store.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Before the authenticators, which end sessions.
class SessionParts {
 public:
  // `pool`, which has Statements(), and `oauth` outlive this.
  SessionParts(pg::Pool& pool, OAuthStore& oauth);
  static std::vector<pg::Statement> Statements();

  Sessions& sessions() { return sessions_; }

 private:
  PgSessionStore store_;
  Sessions sessions_;
};

// After them. The arguments of the constructor outlive it.
class PageParts {
 public:
  struct Needs {
    pg::Pool& pool;  // Has Statements().
    Sessions& sessions;
    Authenticators& authenticators;
    PaymentApprovals& approvals;
    AuthorizationRequests& requests;
    OAuthStore& oauth;
    RegisterUser& register_user;
    RoleStore& roles;
    std::string issuer;
  };
  explicit PageParts(const Needs& needs);
  static std::vector<pg::Statement> Statements();

  PagesRpc& rpc() { return rpc_; }

 private:
  PgLoginStore store_;
  Logins logins_;
  PagesRpc rpc_;
};

}  // namespace florin::auth
