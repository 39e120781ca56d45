#include "services/auth/main_oauth.h"

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"

ABSL_FLAG(std::string, mtls_base_url, "",
          "Where OAuth clients connect with a certificate, if not at --issuer: told to them as "
          "mtls_endpoint_aliases.");

namespace florin::auth {
namespace {

// Nothing waits for it, and every process of auth does it.
constexpr async::WorkerPauses kPauses{.usual = absl::Seconds(60), .longest = absl::Minutes(4)};

}  // namespace

OAuthServer::OAuthServer(process::Process& process, pg::Pool& pool, RoleStore& roles,
                         const SigningKeys& keys, audit::Recorder& audit)
    : issuer_(process.issuer()),
      store_(pool),
      requests_(store_, SystemClock(), SystemIds(), issuer_),
      authenticator_(store_, SystemClock(), SystemIds(), issuer_),
      senders_(SystemClock()),
      pushed_(store_, SystemClock()),
      grants_(store_, roles, keys, audit, SystemClock(), SystemIds(), issuer_),
      tokens_(store_, keys, SystemClock(), SystemIds(), issuer_),
      oauth_({.clients = authenticator_,
              .senders = senders_,
              .pushed = pushed_,
              .grants = grants_,
              .tokens = tokens_,
              .issuer = issuer_,
              .mtls_base_url = absl::GetFlag(FLAGS_mtls_base_url)}),
      clients_(store_, SystemClock(), SystemIds()),
      cleanup_(store_, SystemClock()),
      cleaning_(
          process.executor(), [this] { return cleanup_.RunOnce(); }, kPauses) {}

}  // namespace florin::auth
