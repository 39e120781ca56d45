#include "services/gateway/main_backend.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/identity/bearer_authenticator.h"

ABSL_FLAG(std::string, certificates, "",
          "directory of ca.crt, gateway.crt and gateway.key for calls to the services");
ABSL_FLAG(std::string, auth_target, "127.0.0.1:7001", "host:port of auth");
ABSL_FLAG(std::string, accounts_target, "127.0.0.1:7002", "host:port of accounts");
ABSL_FLAG(std::string, payments_target, "127.0.0.1:7003", "host:port of payments");
ABSL_FLAG(std::string, issuer, "https://localhost:8443", "this gateway's base URL, as in auth");

namespace florin::gateway {

Channels Connect(Executor executor) {
  const auto files = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), "gateway");
  Channels channels;
  for (const auto& [service, target] :
       {std::pair{"auth", absl::GetFlag(FLAGS_auth_target)},
        std::pair{"accounts", absl::GetFlag(FLAGS_accounts_target)},
        std::pair{"payments", absl::GetFlag(FLAGS_payments_target)}}) {
    channels[service] = std::make_unique<rpc::Channel>(
        executor, rpc::ChannelOptions{.target = target,
                                      .service = service,
                                      .certificates = files,
                                      .default_timeout = Limits().request_time});
  }
  return channels;
}

Backend MakeBackend(Edge& edge, Executor executor) {
  Backend backend;
  backend.channels = Connect(executor);
  auto authenticator = std::make_unique<identity::BearerAuthenticator>(
      *backend.channels["auth"], SystemClock(), absl::GetFlag(FLAGS_issuer));
  asio::co_spawn(executor, authenticator->WatchRevocations(), asio::detached);
  backend.authenticator = std::move(authenticator);
  return edge.Equip(executor, std::move(backend));
}

}  // namespace florin::gateway
