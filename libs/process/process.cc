#include "libs/process/process.h"

#include <cstdio>
#include <cstdlib>

#include "absl/flags/flag.h"
#include "absl/synchronization/mutex.h"
#include "libs/config/config.h"
#include "libs/pg/migrate.h"
#include "libs/telemetry/log.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0",
          "host:port of the gRPC server; port 0 chooses a free one");
ABSL_FLAG(std::string, admin_listen, "127.0.0.1:0",
          "IP:port of /livez, /readyz and /metrics; never expose it");
ABSL_FLAG(std::string, certificates, "",
          "directory with ca.crt, NAME.crt and NAME.key of this service (mutual TLS)");
ABSL_FLAG(std::string, database, "",
          "PostgreSQL conninfo, e.g. \"host=/run/postgresql dbname=florin user=ledger\"");
ABSL_FLAG(int, database_connections, 4, "connections to PostgreSQL");
ABSL_FLAG(bool, migrate, false,
          "apply --migrations through --database (as the migration role) and exit");
ABSL_FLAG(std::string, migrations, "", "directory of NNNN_*.sql files, for --migrate");
ABSL_FLAG(int, threads, 1, "threads that run the service's coroutines");
ABSL_FLAG(std::string, issuer, "https://localhost:8443",
          "the issuer of access tokens: the gateway's public base URL, the same for every process");

namespace florin::process {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(10);

}  // namespace

struct Process::State {
  std::string name;
  std::unique_ptr<async::Runtime> runtime;
};

Process::Process(int argc, char** argv, std::string name, const std::string& purpose)
    : state_(std::make_unique<State>()) {
  config::ParseFlags(argc, argv, "florin-" + name + ": " + purpose);
  // Debian's Abseil follows the order of every lock that gRPC takes: a tenth of a busy service's
  // CPU.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  telemetry::StartLogging(name);
  state_->name = std::move(name);
  state_->runtime = std::make_unique<async::Runtime>(absl::GetFlag(FLAGS_threads));
}

Process::~Process() = default;

void Process::MigrateAndExitIfAsked() {
  if (!absl::GetFlag(FLAGS_migrate)) return;
  const auto migrations = config::ValueOrExit(pg::LoadMigrations(absl::GetFlag(FLAGS_migrations)),
                                              "reading --migrations");
  const int applied = config::ValueOrExit(
      pg::Migrate(absl::GetFlag(FLAGS_database), state_->name, migrations), "migrating");
  std::printf("%s: %d migration(s) applied, %zu in all\n", state_->name.c_str(), applied,
              migrations.size());
  std::exit(0);
}

async::Runtime& Process::runtime() { return *state_->runtime; }
Executor Process::executor() { return state_->runtime->executor(); }

std::string Process::issuer() const { return absl::GetFlag(FLAGS_issuer); }

pg::PoolOptions Process::Database(std::vector<pg::Statement> statements) const {
  return {.conninfo = absl::GetFlag(FLAGS_database),
          .connections = absl::GetFlag(FLAGS_database_connections),
          .statements = std::move(statements)};
}

rpc::Channel Process::Connect(const std::string& service, const std::string& target) {
  rpc::ChannelOptions options;
  options.target = target;
  options.service = service;
  options.certificates = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), state_->name);
  return rpc::Channel(executor(), options);
}

int Process::Serve(std::vector<rpc::Service*> services, rpc::Authenticator* authenticator,
                   std::vector<telemetry::Check> checks) {
  rpc::ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.certificates = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), state_->name);
  options.authenticator = authenticator;
  auto server = config::ValueOrExit(rpc::Server::Start(executor(), options, std::move(services)),
                                    "starting the gRPC server");
  auto admin =
      config::ValueOrExit(telemetry::AdminServer::Start(
                              executor(), absl::GetFlag(FLAGS_admin_listen), std::move(checks)),
                          "starting the admin port");
  telemetry::Log(
      telemetry::Severity::kInfo, "serving",
      {{"port", std::to_string(server->port())}, {"admin_port", std::to_string(admin->port())}});
  state_->runtime->WaitForStopSignal();
  telemetry::Log(telemetry::Severity::kInfo, "draining");
  admin->SetDraining();
  server->Drain(kDrain);
  telemetry::Log(telemetry::Severity::kInfo, "stopped");
  return 0;
}

}  // namespace florin::process
