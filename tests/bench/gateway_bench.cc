// What tests/bench/run gateway puts load on: two gateways that differ in what guards them alone,
// and the services behind both.
//
//   gateway_bench --part=services
//     a payments service that answers from memory, and auth as far as verifying tokens goes; prints
//     the directory of everyone's certificates, both ports and an access token
//   gateway_bench --part=gateways --certificates=DIRECTORY --auth_port=… --payments_port=…
//     prints the ports of the guarded gateway and of the open one
//
// Both run until they are stopped. The gateways are put together here, of the parts that
// florin-gateway is made of, since the product has no switch that lets everyone in.
#include <iostream>
#include <string>
#include <utility>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "florin/auth/v1/auth.rpc.h"
#include "florin/auth/v1/oauth.rpc.h"
#include "florin/payments/v1/payments.rpc.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/crypto/jwt.h"
#include "libs/identity/token_authenticator.h"
#include "libs/ids/ids.h"
#include "libs/rpc/server.h"
#include "libs/telemetry/log.h"
#include "libs/testing/certificates.h"
#include "services/gateway/http/edge.h"
#include "services/gateway/http/server.h"

ABSL_FLAG(std::string, part, "", "services or gateways");
ABSL_FLAG(std::string, certificates, "", "What --part=services said.");
ABSL_FLAG(int, auth_port, 0, "What --part=services said.");
ABSL_FLAG(int, payments_port, 0, "What --part=services said.");
ABSL_FLAG(int, threads, 1, "Threads of each gateway.");
ABSL_DECLARE_FLAG(std::string, rate_limits);
ABSL_DECLARE_FLAG(std::string, rate_limit_network);
ABSL_DECLARE_FLAG(std::string, rate_limit_user);
ABSL_DECLARE_FLAG(std::string, rate_limit_client);

namespace florin::bench {
namespace {

constexpr char kIssuer[] = "https://localhost:8443";
// As much as a quota can be, so that it is counted and never used up.
constexpr char kEndless[] = "1000000000/1000s";

absl::Status NotPartOfThis() { return Error(Reason::kInternal, "not part of the benchmark"); }

// One payment, whichever is asked for.
class Payments : public payments::v1::PaymentsService {
 public:
  using Answer = Task<absl::StatusOr<payments::v1::Payment>>;

  Answer GetPayment(rpc::Call&, const payments::v1::GetPaymentRequest& request) override {
    payments::v1::Payment payment;
    payment.set_payment_id(request.payment_id());
    payment.set_kind(payments::v1::Payment::TRANSFER);
    payment.set_state(payments::v1::Payment::SUCCEEDED);
    payment.set_source_account_id("acc_01890a5d-ac96-774b-bcce-b302099a8057");
    payment.set_destination_account_id("acc_01890a5d-ac96-774b-bcce-b302099a8058");
    payment.mutable_amount()->set_currency("EUR");
    payment.mutable_amount()->set_minor_units(1250);
    payment.set_reference("Coffee");
    payment.set_transaction_id("txn_01890a5d-ac96-774b-bcce-b302099a8059");
    payment.mutable_create_time()->set_seconds(1'800'000'000);
    payment.mutable_update_time()->set_seconds(1'800'000'001);
    co_return payment;
  }
  Answer CreatePayment(rpc::Call&, const payments::v1::CreatePaymentRequest&) override {
    co_return NotPartOfThis();
  }
  Answer CreateDeposit(rpc::Call&, const payments::v1::CreateDepositRequest&) override {
    co_return NotPartOfThis();
  }
  Answer ConfirmPayment(rpc::Call&, const payments::v1::ConfirmPaymentRequest&) override {
    co_return NotPartOfThis();
  }
  Answer CancelPayment(rpc::Call&, const payments::v1::CancelPaymentRequest&) override {
    co_return NotPartOfThis();
  }
  Task<absl::StatusOr<payments::v1::GetPaymentReceiptResponse>> GetPaymentReceipt(
      rpc::Call&, const payments::v1::GetPaymentReceiptRequest&) override {
    co_return NotPartOfThis();
  }
  Task<absl::StatusOr<payments::v1::ListPaymentsResponse>> ListPayments(
      rpc::Call&, const payments::v1::ListPaymentsRequest&) override {
    co_return NotPartOfThis();
  }
};

// Publishes the key that signed the token.
class Keys : public auth::v1::AuthService {
 public:
  explicit Keys(const crypto::VerificationKey& key) {
    auth::v1::JsonWebKey& jwk = *keys_.add_keys();
    jwk.set_kty("EC");
    jwk.set_crv("P-256");
    jwk.set_alg("ES256");
    jwk.set_use("sig");
    jwk.set_x(key.x());
    jwk.set_y(key.y());
    jwk.set_kid(key.kid());
  }
  Task<absl::StatusOr<auth::v1::User>> Register(rpc::Call&,
                                                const auth::v1::RegisterRequest&) override {
    co_return NotPartOfThis();
  }
  Task<absl::StatusOr<auth::v1::LogInResponse>> LogIn(rpc::Call&,
                                                      const auth::v1::LogInRequest&) override {
    co_return NotPartOfThis();
  }
  Task<absl::StatusOr<auth::v1::JsonWebKeySet>> GetJsonWebKeySet(
      rpc::Call&, const auth::v1::GetJsonWebKeySetRequest&) override {
    co_return keys_;
  }

 private:
  auth::v1::JsonWebKeySet keys_;
};

// Has taken back no token.
class Revocations : public auth::v1::OAuthService {
 public:
  using Web = Task<absl::StatusOr<http::v1::WebResponse>>;

  Web PushAuthorizationRequest(rpc::Call&, const http::v1::WebRequest&) override { return None(); }
  Web Token(rpc::Call&, const http::v1::WebRequest&) override { return None(); }
  Web Revoke(rpc::Call&, const http::v1::WebRequest&) override { return None(); }
  Web Introspect(rpc::Call&, const http::v1::WebRequest&) override { return None(); }
  Web GetMetadata(rpc::Call&, const http::v1::WebRequest&) override { return None(); }
  Task<absl::StatusOr<auth::v1::ListRevokedTokensResponse>> ListRevokedTokens(
      rpc::Call&, const auth::v1::ListRevokedTokensRequest&) override {
    co_return auth::v1::ListRevokedTokensResponse();
  }

 private:
  static Web None() { co_return NotPartOfThis(); }
};

// Everyone is the same user, whatever the token.
class Everyone : public rpc::Authenticator {
 public:
  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string) override {
    rpc::Principal principal;
    principal.user_id = "usr_01890a5d-ac96-774b-bcce-b302099a805a";
    principal.scopes = {"payments:read"};
    co_return principal;
  }
};

std::string SignToken(const crypto::SigningKey& key) {
  const absl::Time now = SystemClock().Now();
  return crypto::SignAccessToken({.issuer = kIssuer,
                                  .subject = "usr_01890a5d-ac96-774b-bcce-b302099a805a",
                                  .audience = identity::kAudience,
                                  .scope = "accounts:read payments:read payments:write",
                                  .token_id = SystemIds().NewId().ToString(),
                                  .issued_at = now,
                                  .expires_at = now + absl::Hours(24),
                                  .client_id = "cli_01890a5d-ac96-774b-bcce-b302099a805b",
                                  .session_id = "ses_01890a5d-ac96-774b-bcce-b302099a805c"},
                                 key);
}

int RunServices() {
  const testing::TestCertificates certificates({"gateway", "auth", "payments"});
  const crypto::SigningKey key = crypto::SigningKey::Generate();
  Payments payments;
  Keys keys(key.public_key());
  Revocations revocations;
  Everyone everyone;
  async::Runtime runtime(absl::GetFlag(FLAGS_threads));
  const auto start = [&](const char* service, std::vector<rpc::Service*> services) {
    return config::ValueOrExit(
        rpc::Server::Start(runtime.executor(),
                           rpc::ServerOptions{.listen = "127.0.0.1:0",
                                              .certificates = rpc::CertificateFiles::In(
                                                  certificates.directory(), service),
                                              .authenticator = &everyone},
                           std::move(services)),
        "serving");
  };
  const auto auth_server = start("auth", {&keys, &revocations});
  const auto payments_server = start("payments", {&payments});
  std::cout << certificates.directory() << " " << auth_server->port() << " "
            << payments_server->port() << " " << SignToken(key) << std::endl;
  runtime.WaitForStopSignal();
  payments_server->Drain(absl::Seconds(1));
  auth_server->Drain(absl::Seconds(1));
  return 0;
}

// As florin-gateway has it, but that nobody listens for accounts.
gateway::Backend Connect(Executor executor) {
  gateway::Backend backend;
  for (const auto& [service, port] :
       {std::pair{"auth", absl::GetFlag(FLAGS_auth_port)}, std::pair{"accounts", 1},
        std::pair{"payments", absl::GetFlag(FLAGS_payments_port)}}) {
    backend.channels[service] = std::make_unique<rpc::Channel>(
        executor, rpc::ChannelOptions{.target = absl::StrCat("127.0.0.1:", port),
                                      .service = service,
                                      .certificates = rpc::CertificateFiles::In(
                                          absl::GetFlag(FLAGS_certificates), "gateway"),
                                      .default_timeout = gateway::Limits().request_time});
  }
  return backend;
}

std::unique_ptr<rpc::Authenticator> Verify(Executor executor, rpc::Channel& auth) {
  auto authenticator = std::make_unique<identity::TokenAuthenticator>(auth, SystemClock(), kIssuer);
  asio::co_spawn(executor, authenticator->WatchRevocations(), asio::detached);
  return authenticator;
}

int RunGateways() {
  const auto routes = config::ValueOrExit(gateway::RouteTable::Build(gateway::PublishedServices()),
                                          "reading the protos");
  const auto edge = [&routes](const char* rate_limits) {
    absl::SetFlag(&FLAGS_rate_limits, rate_limits);
    for (auto* quota :
         {&FLAGS_rate_limit_network, &FLAGS_rate_limit_user, &FLAGS_rate_limit_client})
      absl::SetFlag(quota, kEndless);
    return gateway::Edge::FromFlagsOrExit(routes, kIssuer, SystemClock());
  };
  const auto guarding = edge("on");
  const auto letting_in = edge("off");
  const gateway::BackendFactory guarded = [&guarding](Executor executor) {
    gateway::Backend backend = Connect(executor);
    backend.authenticator = Verify(executor, *backend.channels["auth"]);
    return guarding->Equip(executor, std::move(backend));
  };
  const gateway::BackendFactory open = [&letting_in](Executor executor) {
    gateway::Backend backend = Connect(executor);
    backend.authenticator = std::make_unique<Everyone>();
    return letting_in->Equip(executor, std::move(backend));
  };
  const auto files = rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), "gateway");
  const auto start = [&](const gateway::BackendFactory& backends) {
    const gateway::ServerOptions options{.listen = "127.0.0.1:0",
                                         .tls_certificate = files.certificate,
                                         .tls_key = files.key,
                                         .threads = absl::GetFlag(FLAGS_threads),
                                         .limits = gateway::LimitsFromFlags()};
    return config::ValueOrExit(
        gateway::Server::Start(options, routes, backends, SystemClock(), SystemIds()),
        "serving HTTPS");
  };
  const auto guarded_server = start(guarded);
  const auto open_server = start(open);
  std::cout << guarded_server->port() << " " << open_server->port() << std::endl;
  async::Runtime runtime(1);
  runtime.WaitForStopSignal();
  // Neither is drained: nobody waits for an answer any more.
  std::quick_exit(0);
}

}  // namespace
}  // namespace florin::bench

int main(int argc, char** argv) {
  florin::telemetry::StartLogging("gateway_bench");
  florin::config::ParseFlags(argc, argv, "Gateways to put load on; see tests/bench/run.");
  const std::string part = absl::GetFlag(FLAGS_part);
  if (part == "services") return florin::bench::RunServices();
  if (part == "gateways") return florin::bench::RunGateways();
  std::cerr << "gateway_bench: --part is services or gateways" << std::endl;
  return 2;
}
