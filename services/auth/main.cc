// florin-auth: users, their passwords, and the access tokens that the other services verify.
#include <memory>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "libs/audit/trail.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"
#include "libs/process/process.h"
#include "services/auth/flow/authenticator_prover.h"
#include "services/auth/flow/own_token_authenticator.h"
#include "services/auth/flow/password_login.h"
#include "services/auth/flow/payment_approvals.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/main_authenticators.h"
#include "services/auth/main_machine_access.h"
#include "services/auth/main_oauth.h"
#include "services/auth/main_pages.h"
#include "services/auth/rpc/approvals_rpc.h"
#include "services/auth/rpc/auth_rpc.h"
#include "services/auth/store/pg_approval_store.h"
#include "services/auth/store/pg_oauth_store.h"
#include "services/auth/store/pg_store.h"

ABSL_FLAG(std::string, signing_keys, "",
          "Directory of the keys that sign access tokens: *.pem (P-256, PKCS #8), mode 0600; the "
          "greatest name signs, all are published. Read again every five seconds.");

namespace {

std::vector<florin::pg::Statement> Statements() {
  using namespace florin::auth;
  std::vector<florin::pg::Statement> all = PgStore::Statements();
  for (const auto& more :
       {florin::audit::Trail::Statements(), PgOAuthStore::Statements(),
        AuthenticatorParts::Statements(), SessionParts::Statements(), PageParts::Statements(),
        PgApprovalStore::Statements(), MachineAccess::Statements()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;
  process::Process process(argc, argv, "auth", "Users, their passwords and access tokens.");
  process.MigrateAndExitIfAsked();

  const auto keys =
      config::ValueOrExit(auth::SigningKeys::Load(absl::GetFlag(FLAGS_signing_keys), SystemClock()),
                          "reading --signing_keys");
  pg::Pool pool(process.Database(Statements()));
  audit::Trail trail(process.executor(), pool, "auth");
  auth::PgStore store(pool);
  auth::MachineAccess machine_access(pool, trail.recorder());
  auth::OAuthServer oauth(process, pool, machine_access.roles(), *keys, trail.recorder());
  auth::SessionParts sessions(pool, oauth.store());
  auth::AuthenticatorParts parts(pool, store, sessions.sessions(), trail.recorder());
  auth::RegisterUser register_user(store, parts.hasher(), SystemClock(), SystemIds(),
                                   parts.rules());
  auth::PasswordLogin login(parts.authenticators(), machine_access.roles(), *keys, SystemClock(),
                            SystemIds(), process.issuer());
  auth::AuthRpc service(register_user, login, *keys);
  auth::PgApprovalStore approval_store(pool);
  auth::AuthenticatorProver prover(parts.authenticators());
  auth::PaymentApprovals approvals(approval_store, prover, SystemClock());
  auth::ApprovalsRpc approvals_service(approvals, SystemClock());
  auth::PageParts pages({.pool = pool,
                         .sessions = sessions.sessions(),
                         .authenticators = parts.authenticators(),
                         .approvals = approvals,
                         .requests = oauth.requests(),
                         .oauth = oauth.store(),
                         .register_user = register_user,
                         .roles = machine_access.roles(),
                         .issuer = process.issuer()});
  auth::OwnTokenAuthenticator authenticator(*keys, SystemClock(), process.issuer());

  asio::co_spawn(process.executor(), keys->Watch(trail.recorder()), asio::detached);
  std::vector<rpc::Service*> services = {&service,        &oauth.oauth(), &oauth.clients(),
                                         &parts.rpc(),    &pages.rpc(),   &approvals_service,
                                         &trail.service()};
  machine_access.AddTo(services);
  const int status =
      process.Serve(services, &authenticator, {{"database", [&pool] { return pool.Ping(); }}});
  oauth.Stop();
  trail.Stop();
  // Before the parts that its coroutines use go.
  process.runtime().Stop();
  return status;
}
