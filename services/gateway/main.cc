// florin-gateway: HTTPS for apps, gRPC inside.
#include <cstdlib>
#include <thread>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"
#include "libs/telemetry/admin_server.h"
#include "libs/telemetry/log.h"
#include "services/gateway/http/edge.h"
#include "services/gateway/http/server.h"
#include "services/gateway/main_backend.h"
#include "services/gateway/transcode/route_table.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:8443", "host:port for HTTPS; port 0 chooses a free one");
ABSL_FLAG(std::string, mtls_listen, "",
          "host:port for HTTPS of clients that show a certificate (RFC 8705), auth's "
          "--mtls_base_url; empty: none");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file of the certificate chain for HTTPS");
ABSL_FLAG(std::string, tls_key, "", "PEM file of its private key, readable by the owner only");
ABSL_FLAG(std::string, admin_listen, "127.0.0.1:0",
          "host:port of /livez, /readyz and /metrics (plain HTTP, never public)");
ABSL_DECLARE_FLAG(std::string, certificates);
ABSL_DECLARE_FLAG(std::string, issuer);
ABSL_FLAG(int, threads, 0, "threads that serve; 0: one for each CPU");

namespace florin::gateway {
namespace {

// Less than the 10 s after which whoever sent SIGTERM may lose patience.
constexpr absl::Duration kDrainTime = absl::Seconds(9);

Task<absl::Status> IsConnected(rpc::Channel* channel) {
  co_return co_await channel->Connect(SystemClock().Now() + absl::Seconds(1));
}

std::vector<telemetry::Check> ReadinessChecks(const Channels& channels) {
  std::vector<telemetry::Check> checks;
  for (const auto& [service, channel] : channels)
    checks.emplace_back(service, [c = channel.get()] { return IsConnected(c); });
  return checks;
}

ServerOptions Options() {
  ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.mtls_listen = absl::GetFlag(FLAGS_mtls_listen);
  options.tls_certificate = absl::GetFlag(FLAGS_tls_certificate);
  options.tls_key = absl::GetFlag(FLAGS_tls_key);
  const int threads = absl::GetFlag(FLAGS_threads);
  options.threads =
      threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.limits = LimitsFromFlags();
  return options;
}

int Main() {
  const auto files = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), "gateway");
  config::ExitIfError(config::ReadFile(files.ca).status(), "reading --certificates");
  config::ExitIfError(config::ReadFile(files.certificate).status(), "reading --certificates");
  config::ExitIfError(config::ReadSecretFile(files.key).status(), "reading --certificates");
  const RouteTable routes =
      config::ValueOrExit(RouteTable::Build(PublishedServices()), "reading the protos");
  async::Runtime runtime(1);
  const Channels channels = Connect(runtime.executor());
  const auto edge = Edge::FromFlagsOrExit(routes, absl::GetFlag(FLAGS_issuer), SystemClock());
  const auto connect = [&edge](Executor executor) { return MakeBackend(*edge, executor); };
  const auto server = config::ValueOrExit(
      Server::Start(Options(), routes, connect, SystemClock(), SystemIds()), "serving HTTPS");
  const auto admin = config::ValueOrExit(
      telemetry::AdminServer::Start(runtime.executor(), absl::GetFlag(FLAGS_admin_listen),
                                    ReadinessChecks(channels)),
      "serving the admin port");
  telemetry::Log(telemetry::Severity::kInfo, "serving",
                 {{"port", std::to_string(server->port())},
                  {"mtls_port", std::to_string(server->mtls_port())},
                  {"admin_port", std::to_string(admin->port())}});

  runtime.WaitForStopSignal();
  admin->SetDraining();
  if (!server->Drain(kDrainTime)) {
    // Calls under way still refer to what the destructors would take away.
    telemetry::Log(telemetry::Severity::kWarning, "stopped with requests unfinished");
    std::quick_exit(0);
  }
  telemetry::Log(telemetry::Severity::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace florin::gateway

int main(int argc, char** argv) {
  florin::telemetry::StartLogging("gateway");
  florin::config::ParseFlags(
      argc, argv, "The HTTPS entry to Florin: REST and JSON outside, gRPC and mutual TLS inside.");
  return florin::gateway::Main();
}
