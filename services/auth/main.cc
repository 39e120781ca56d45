// florin-auth: users, their passwords, and the access tokens that the other services verify.
#include <memory>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/crypto/api_key.h"
#include "libs/ids/ids.h"
#include "libs/process/process.h"
#include "services/auth/flow/own_tokens.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/password_login.h"
#include "services/auth/flow/register_user.h"
#include "services/auth/flow/signing_keys.h"
#include "services/auth/main_machine_access.h"
#include "services/auth/rpc/auth_rpc.h"
#include "services/auth/store/pg_store.h"

ABSL_FLAG(std::string, signing_keys, "",
          "Directory of the keys that sign access tokens: *.pem (P-256, PKCS #8), mode 0600; the "
          "greatest name signs, all are published. Read again every five seconds.");
ABSL_FLAG(int, password_threads, 2,
          "How many passwords are hashed at once; each takes a core and 19 MiB.");
ABSL_FLAG(
    std::string, mode, "test",
    "What API keys are for: `test` (play money) or `live`. Keys of the other mode are refused "
    "with api_key_wrong_mode.");

namespace {

florin::crypto::ApiKeyMode ModeOrExit() {
  const auto mode = florin::crypto::ApiKeyModeFromName(absl::GetFlag(FLAGS_mode));
  if (mode) return *mode;
  florin::config::ExitIfError(florin::Error(florin::Reason::kInvalidField, "test or live"),
                              "reading --mode");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace florin;
  process::Process process(argc, argv, "auth", "Users, their passwords and access tokens.");
  process.MigrateAndExitIfAsked();

  const auto keys =
      config::ValueOrExit(auth::SigningKeys::Load(absl::GetFlag(FLAGS_signing_keys), SystemClock()),
                          "reading --signing_keys");
  const int threads = absl::GetFlag(FLAGS_password_threads);
  if (threads < 1) {
    config::ExitIfError(Error(Reason::kInvalidField, "at least one"), "reading --password_threads");
  }
  const crypto::ApiKeyMode mode = ModeOrExit();
  auth::PasswordHasher hasher({.threads = threads});

  std::vector<pg::Statement> statements = auth::PgStore::Statements();
  for (auto& statement : auth::MachineAccess::Statements()) statements.push_back(statement);
  pg::Pool pool(process.Database(std::move(statements)));
  auth::PgStore store(pool);
  auth::MachineAccess machine_access(pool, mode, SystemClock(), SystemIds());
  auth::RegisterUser register_user(store, hasher, SystemClock(), SystemIds());
  auth::PasswordLogin login(store, machine_access.roles(), hasher, *keys, SystemClock(),
                            SystemIds());
  auth::AuthRpc service(register_user, login, *keys);
  auth::OwnTokens tokens(*keys, SystemClock());
  std::vector<rpc::Service*> services = {&service};
  machine_access.AddTo(services);

  asio::co_spawn(process.executor(), keys->Watch(), asio::detached);
  const int status =
      process.Serve(services, &tokens, {{"database", [&pool] { return pool.Ping(); }}});
  // Before the parts that its coroutines use go.
  process.runtime().Stop();
  return status;
}
