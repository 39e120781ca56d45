#include "services/auth/main_pages.h"

#include "libs/clock/clock.h"
#include "libs/ids/ids.h"

namespace florin::auth {

std::vector<pg::Statement> SessionParts::Statements() { return PgSessionStore::Statements(); }

SessionParts::SessionParts(pg::Pool& pool, OAuthStore& oauth)
    : store_(pool), sessions_(store_, oauth, SystemClock(), SystemIds()) {}

std::vector<pg::Statement> PageParts::Statements() { return PgLoginStore::Statements(); }

PageParts::PageParts(const Needs& needs)
    : store_(needs.pool),
      logins_({.store = store_,
               .sessions = needs.sessions,
               .authenticators = needs.authenticators,
               .requests = needs.requests,
               .oauth = needs.oauth,
               .register_user = needs.register_user,
               .roles = needs.roles,
               .clock = SystemClock()}),
      rpc_({.logins = logins_,
            .sessions = needs.sessions,
            .authenticators = needs.authenticators,
            .approvals = needs.approvals,
            .oauth = needs.oauth,
            .clock = SystemClock(),
            .ids = SystemIds()},
           needs.issuer) {}

}  // namespace florin::auth
