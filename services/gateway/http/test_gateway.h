// A gateway for tests: the real server over TLS on loopback, and behind it a real payments server
// over mutual TLS whose answers are canned. There is no auth and no accounts service, as if they
// were down.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "florin/payments/v1/payments.rpc.h"
#include "florin/testing/v1/vault.rpc.h"
#include "florin/testing/v1/web.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/server.h"
#include "libs/status/check.h"
#include "libs/testing/certificates.h"
#include "services/gateway/http/server.h"
#include "services/gateway/http/test_client.h"

namespace florin::gateway {

// Knows the tokens `all` (every scope of payments), `reader` (payments:read), `bound` (to the key
// whose thumbprint is given), `certificate` (to the one whose thumbprint is given), `fresh` and
// `stale` (all and vault:open, after two factors one or six minutes ago), `key-here` and
// `key-elsewhere` (all, but only from networks), `expired`, `no-keys`; any other is invalid.
class TestAuthenticator : public rpc::Authenticator {
 public:
  explicit TestAuthenticator(std::string key_thumbprint = "",
                             std::string certificate_thumbprint = "some certificate")
      : key_thumbprint_(std::move(key_thumbprint)),
        certificate_thumbprint_(std::move(certificate_thumbprint)) {}

  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) override {
    rpc::Principal principal;
    principal.user_id = "usr_1";
    principal.scopes = {"payments:read"};
    if (token == "reader") co_return principal;
    principal.scopes.push_back("payments:write");
    if (token == "all") co_return principal;
    // API keys for networks: where the test's client is, and elsewhere.
    if (token == "key-here") principal.allowed_networks = {"203.0.113.0/24", "127.0.0.0/8"};
    if (token == "key-elsewhere") principal.allowed_networks = {"203.0.113.0/24"};
    if (!principal.allowed_networks.empty()) co_return principal;
    principal.key_thumbprint = token == "bound" ? key_thumbprint_ : "";
    principal.certificate_thumbprint = token == "certificate" ? certificate_thumbprint_ : "";
    if (token == "bound" || token == "certificate") co_return principal;
    principal.scopes.push_back("vault:open");
    principal.acr = "urn:florin:acr:mfa";
    principal.auth_time = SystemClock().Now() - absl::Minutes(token == "stale" ? 6 : 1);
    if (token == "fresh" || token == "stale") co_return principal;
    if (token == "expired") co_return Error(Reason::kTokenExpired, "expired");
    if (token == "no-keys") co_return Error(Reason::kUnavailable, "no keys");
    co_return Error(Reason::kTokenInvalid, "invalid");
  }

 private:
  const std::string key_thumbprint_;
  const std::string certificate_thumbprint_;
};

// What a call brought with it.
struct SeenCall {
  std::string request_id;
  std::string traceparent;
  std::string idempotency_key;
  std::string user_id;
  std::string caller;
  std::string client_address;
};

// Answers with the payment that was asked for; the reference says how: "refuse", "break", "replay"
// (a success), "refuse again" (a replayed refusal), "wait" (until Release).
class TestPayments : public payments::v1::PaymentsService {
 public:
  using Answer = absl::StatusOr<payments::v1::Payment>;

  Task<Answer> CreatePayment(rpc::Call& call,
                             const payments::v1::CreatePaymentRequest& request) override {
    Remember(call);
    const std::string& how = request.reference();
    if (how == "refuse again" || how == "replay") call.MarkReplayed();
    if (how.starts_with("refuse")) {
      co_return Error(Reason::kInsufficientFunds, "not enough",
                      {.metadata = {{"payment_id", "pay_1"}}});
    }
    if (how == "break") co_return Error(Reason::kInternal, "secret cause");
    if (how == "wait") {
      ++waiting;
      while (!released) co_await async::Sleep(absl::Milliseconds(1));
    }
    payments::v1::Payment payment;
    payment.set_payment_id("pay_1");
    payment.set_source_account_id(request.source_account_id());
    *payment.mutable_amount() = request.amount();
    payment.set_reference(request.reference());
    payment.set_state(payments::v1::Payment::SUCCEEDED);
    co_return payment;
  }
  Task<Answer> CreateDeposit(rpc::Call&, const payments::v1::CreateDepositRequest&) override {
    co_return Error(Reason::kSandboxDisabled, "no sandbox");
  }
  Task<Answer> GetPayment(rpc::Call& call,
                          const payments::v1::GetPaymentRequest& request) override {
    Remember(call);
    payments::v1::Payment payment;
    payment.set_payment_id(request.payment_id());
    co_return payment;
  }
  Task<Answer> ConfirmPayment(rpc::Call&, const payments::v1::ConfirmPaymentRequest&) override {
    co_return Error(Reason::kApprovalPending, "not approved yet");
  }
  Task<Answer> CancelPayment(rpc::Call&, const payments::v1::CancelPaymentRequest&) override {
    co_return Error(Reason::kPaymentNotCancelable, "too late");
  }
  Task<absl::StatusOr<payments::v1::GetPaymentReceiptResponse>> GetPaymentReceipt(
      rpc::Call&, const payments::v1::GetPaymentReceiptRequest&) override {
    co_return Error(Reason::kNotSealedYet, "not sealed yet");
  }
  Task<absl::StatusOr<payments::v1::ListPaymentsResponse>> ListPayments(
      rpc::Call&, const payments::v1::ListPaymentsRequest& request) override {
    payments::v1::ListPaymentsResponse response;
    response.set_next_page_token(absl::StrCat("page of ", request.page_size()));
    co_return response;
  }

  SeenCall LastCall() const {
    std::lock_guard lock(mutex_);
    return last_;
  }
  void Release() { released = true; }

  std::atomic<int> waiting = 0;
  std::atomic<bool> released = false;

 private:
  void Remember(const rpc::Call& call) {
    std::lock_guard lock(mutex_);
    last_ = {.request_id = call.request_id(),
             .traceparent = call.traceparent(),
             .idempotency_key = call.idempotency_key(),
             .user_id = call.principal().user_id,
             .caller = call.caller(),
             .client_address = call.client_address()};
  }

  mutable std::mutex mutex_;
  SeenCall last_;  // Guarded by mutex_.
};

// Tells what it was given, and answers with what the query asks for: status, and a field as
// `set=NAME=VALUE`.
class TestWeb : public florin::testing::v1::WebService {
 public:
  Task<absl::StatusOr<http::v1::WebResponse>> Exchange(
      rpc::Call&, const http::v1::WebRequest& request) override {
    http::v1::WebResponse response;
    response.set_status(200);
    response.set_content_type("text/plain");
    response.set_body(request.ShortDebugString());
    for (const http::v1::Parameter& parameter : request.query()) {
      if (parameter.name() == "status") response.set_status(std::stoi(parameter.value()));
      if (parameter.name() != "set") continue;
      const std::size_t equals = parameter.value().find('=');
      http::v1::Parameter& field = *response.add_headers();
      field.set_name(parameter.value().substr(0, equals));
      field.set_value(parameter.value().substr(equals + 1));
    }
    co_return response;
  }
};

// Opens.
class TestVault : public florin::testing::v1::VaultService {
 public:
  Task<absl::StatusOr<florin::testing::v1::OpenResponse>> Open(
      rpc::Call&, const florin::testing::v1::OpenRequest&) override {
    ++opened;
    co_return florin::testing::v1::OpenResponse();
  }
  std::atomic<int> opened = 0;
};

class GatewayTest : public ::testing::Test {
 protected:
  // Every test may change the limits, and what the backend has besides channels, before its first
  // request.
  Server& gateway() {
    if (gateway_ != nullptr) return *gateway_;
    limits_.sweep_interval = absl::Milliseconds(2);
    ServerOptions options{.listen = "127.0.0.1:0",
                          .mtls_listen = "127.0.0.1:0",
                          .tls_certificate = tls_directory_ + "/gateway.crt",
                          .tls_key = tls_directory_ + "/gateway.key",
                          .tls_check_interval = absl::Milliseconds(2),
                          .threads = 2,
                          .limits = limits_};
    const auto backends = [this](Executor executor) { return MakeBackend(executor); };
    gateway_ = *Server::Start(options, routes_, backends, SystemClock(), SystemIds());
    return *gateway_;
  }
  int port() { return gateway().port(); }
  int mtls_port() { return gateway().mtls_port(); }

  ~GatewayTest() override {
    upstream_.Release();
    EXPECT_TRUE(gateway_ == nullptr || gateway_->Drain(absl::Seconds(20)))
        << "a connection never ends";
  }

  static std::string Get(const std::string& target,
                         const std::string& fields = "Authorization: Bearer all\r\n") {
    return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n", fields, "\r\n");
  }
  static std::string Post(const std::string& target, const std::string& body,
                          const std::string& fields) {
    return absl::StrCat("POST ", target,
                        " HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", body.size(), "\r\n",
                        fields, "\r\n", body);
  }
  static std::string Pay(const std::string& reference, const std::string& more_fields = "") {
    return Post("/v1/payments", absl::StrCat("{\"reference\":\"", reference, "\"}"),
                absl::StrCat("Authorization: Bearer all\r\nContent-Type: "
                             "application/json\r\nIdempotency-Key: k1\r\n",
                             more_fields));
  }

  // Sends one request on a new connection.
  TestResponse Ask(const std::string& request) {
    TestClient client(port());
    client.Send(request);
    auto response = client.Read();
    EXPECT_TRUE(response.has_value()) << request;
    return response.value_or(TestResponse());
  }
  static std::string ReasonIn(const TestResponse& response) {
    boost::system::error_code error;
    const auto document = boost::json::parse(response.body(), error);
    const auto* reason =
        error || !document.is_object() ? nullptr : document.as_object().if_contains("reason");
    return reason == nullptr ? absl::StrCat("no problem document: ", response.body())
                             : std::string(reason->as_string().c_str());
  }
  // Waits until `count` requests wait in the upstream.
  void AwaitWaiting(int count) {
    while (upstream_.waiting < count) std::this_thread::yield();
  }

  const testing::TestCertificates certificates_{{"gateway", "payments", "testing"}};
  const RouteTable routes_ = *RouteTable::Build(Services());
  std::string tls_directory_ = certificates_.directory();  // What HTTPS serves.
  Limits limits_;
  std::string bound_certificate_ = "some certificate";  // What the token `certificate` is bound to.
  std::optional<Quotas> quotas_;                        // Nothing: no rate limits.
  std::shared_ptr<const OriginPolicy> origins_;
  std::shared_ptr<const Documents> documents_;
  TestPayments upstream_;
  TestVault vault_;
  async::Runtime upstream_runtime_{1};

 private:
  static std::vector<const google::protobuf::ServiceDescriptor*> Services() {
    auto services = PublishedServices();
    services.push_back(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        "florin.testing.v1.Web"));
    services.push_back(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        "florin.testing.v1.Vault"));
    return services;
  }

  Backend MakeBackend(Executor executor) {
    Backend backend;
    for (const auto& [service, target_port] :
         // Nobody listens on port 1.
         {std::pair{"auth", 1}, std::pair{"accounts", 1},
          std::pair{"payments", upstream_server_->port()},
          std::pair{"testing", web_server_->port()}}) {
      backend.channels[service] = std::make_unique<rpc::Channel>(
          executor, rpc::ChannelOptions{.target = absl::StrCat("127.0.0.1:", target_port),
                                        .service = service,
                                        .certificates = rpc::CertificateFiles::In(
                                            certificates_.directory(), "gateway"),
                                        .default_timeout = absl::Seconds(30)});
    }
    backend.authenticator = std::make_unique<TestAuthenticator>("", bound_certificate_);
    backend.senders = senders_;
    if (quotas_) {
      backend.quotas = std::make_unique<QuotaGate>(
          std::make_unique<LocalRateLimiter>(quota_table_, SystemClock()), *quotas_);
    }
    backend.origins = origins_;
    backend.documents = documents_;
    return backend;
  }

  QuotaTable quota_table_{1000};
  // Proofs name this issuer, whatever the port is.
  const std::shared_ptr<SenderGuard> senders_ =
      std::make_shared<SenderGuard>("https://gateway.test", SystemClock());
  TestAuthenticator authenticator_;
  const std::unique_ptr<rpc::Server> upstream_server_ = *rpc::Server::Start(
      upstream_runtime_.executor(),
      rpc::ServerOptions{
          .listen = "127.0.0.1:0",
          .certificates = rpc::CertificateFiles::In(certificates_.directory(), "payments"),
          .authenticator = &authenticator_},
      {&upstream_});
  TestWeb web_;
  const std::unique_ptr<rpc::Server> web_server_ = *rpc::Server::Start(
      upstream_runtime_.executor(),
      rpc::ServerOptions{
          .listen = "127.0.0.1:0",
          .certificates = rpc::CertificateFiles::In(certificates_.directory(), "testing"),
          .authenticator = &authenticator_},
      {&web_, &vault_});
  std::unique_ptr<Server> gateway_;
};

}  // namespace florin::gateway
