#include "libs/rpc/server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <boost/asio/post.hpp>

#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/metadata_keys.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/status_wire.h"
#include "libs/status/check.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::rpc {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);
constexpr unsigned kCertificateRefreshSeconds = 1;
constexpr int kMaxMessageBytes = 4 << 20;

std::string Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  return found == all.end() ? std::string()
                            : std::string(found->second.data(), found->second.size());
}

// The one SPIFFE identity in the peer's certificate.
absl::StatusOr<std::string> PeerService(const grpc::CallbackServerContext& context) {
  const auto identities = context.auth_context()->FindPropertyValues("peer_spiffe_id");
  if (identities.size() != 1)
    return Error(Reason::kCallerNotAllowed, "the certificate has no SPIFFE identity");
  const std::string_view identity(identities[0].data(), identities[0].size());
  const std::string_view domain(kTrustDomain);
  if (!identity.starts_with(domain))
    return Error(Reason::kCallerNotAllowed, "the certificate is of another trust domain");
  return std::string(identity.substr(domain.size()));
}

Outgoing ReadContext(const grpc::CallbackServerContext& context) {
  Outgoing incoming;
  const absl::Time latest = SystemClock().Now() + kDefaultTimeout;
  incoming.deadline = std::min(absl::FromChrono(context.deadline()), latest);
  incoming.request_id = Metadata(context, kRequestIdKey);
  if (incoming.request_id.empty())
    incoming.request_id = FormatId(IdKind::kRequest, SystemIds().NewId());
  incoming.traceparent = Metadata(context, kTraceparentKey);
  incoming.idempotency_key = Metadata(context, kIdempotencyKeyKey);
  incoming.user_token = Metadata(context, kAuthorizationKey);
  const std::string_view bearer(kBearerPrefix);
  if (incoming.user_token.starts_with(bearer)) {
    incoming.user_token.erase(0, bearer.size());
  } else {
    incoming.user_token.clear();
  }
  return incoming;
}

absl::Status CheckScopes(const Policy& policy, const Principal& principal) {
  for (const std::string& scope : policy.scopes) {
    if (!principal.HasScope(scope)) {
      return Error(Reason::kScopeMissing, "the token lacks a scope",
                   {.metadata = {{"scope", scope}}});
    }
  }
  return absl::OkStatus();
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// One method as the server runs it.
struct Endpoint {
  std::string name;  // "florin.ledger.v1.Ledger/PostTransactions"
  Policy policy;
  Service::Method method;
  Authenticator* authenticator;
};

// Authorizes, then runs the handler. The order is the one that server.h documents.
Task<absl::StatusOr<std::string>> Authorized(const Endpoint* endpoint,
                                             absl::StatusOr<std::string> caller, Outgoing incoming,
                                             std::string request, bool* replayed) {
  if (!caller.ok()) co_return caller.status();
  const Policy& policy = endpoint->policy;
  if (!policy.Allows(*caller))
    co_return Error(Reason::kCallerNotAllowed, *caller + " may not call " + endpoint->name);
  Principal principal;
  if (policy.needs_user) {
    if (incoming.user_token.empty())
      co_return Error(Reason::kTokenMissing, "an access token is required");
    std::string token = incoming.user_token;
    FLORIN_CO_ASSIGN_OR_RETURN(principal,
                               co_await endpoint->authenticator->Authenticate(std::move(token)));
    FLORIN_CO_RETURN_IF_ERROR(CheckScopes(policy, principal));
  }
  if (policy.needs_idempotency_key)
    FLORIN_CO_RETURN_IF_ERROR(CheckIdempotencyKey(incoming.idempotency_key));
  Call call(*std::move(caller), std::move(incoming), std::move(principal), policy.needs_user);
  absl::StatusOr<std::string> response = co_await endpoint->method(call, std::move(request));
  *replayed = call.replayed();
  co_return response;
}

// The life of one call: gRPC's reactor, alive until gRPC has sent the answer.
class Reactor : public grpc::ServerUnaryReactor {
 public:
  void OnDone() override { delete this; }
  // The handler goes on: its effect is idempotent, and the saga is not the caller's to abandon.
  void OnCancel() override {}
};

void Record(const Endpoint& endpoint, const absl::Status& status, absl::Duration took,
            const std::string& traceparent) {
  const std::string reason(status.ok() ? "ok" : InfoOf(*ReasonOf(status)).name);
  telemetry::Count("florin_rpc_requests_total", {{"method", endpoint.name}, {"reason", reason}});
  telemetry::Observe("florin_rpc_seconds", {{"method", endpoint.name}}, took);
  if (ReasonOf(status) == Reason::kInternal) {
    telemetry::Log(telemetry::Severity::kError, "call failed inside",
                   {{"method", endpoint.name}, {"message", std::string(status.message())}},
                   traceparent);
  }
}

Task<void> ServeCall(const Endpoint* endpoint, grpc::CallbackServerContext* context,
                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                     Reactor* reactor) {
  const absl::Time start = SystemClock().Now();
  Outgoing incoming = ReadContext(*context);
  const std::string traceparent = incoming.traceparent;
  absl::StatusOr<std::string> caller = PeerService(*context);
  std::string bytes = Bytes(*request);
  bool replayed = false;
  const absl::StatusOr<std::string> result = co_await Authorized(
      endpoint, std::move(caller), std::move(incoming), std::move(bytes), &replayed);
  if (replayed) context->AddTrailingMetadata(kReplayedKey, "true");
  if (result.ok()) {
    grpc::Slice slice(*result);
    *response = grpc::ByteBuffer(&slice, 1);
  }
  Record(*endpoint, result.status(), SystemClock().Now() - start, traceparent);
  reactor->Finish(ToGrpc(result.status()));
}

// Registers a Service's methods with gRPC as raw callback methods: what grpc_cpp_plugin's generated
// WithRawCallbackMethod classes do, by descriptor instead of by name.
class GrpcService : public grpc::Service {
 public:
  GrpcService(const rpc::Service& service, Executor executor, Authenticator* authenticator) {
    const auto& descriptor = service.descriptor();
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const auto& method = *descriptor.method(i);
      const auto handler = service.methods().find(method.name());
      FLORIN_CHECK(handler != service.methods().end(),
                   "every method of the descriptor has a handler");
      auto endpoint =
          std::make_unique<Endpoint>(Endpoint{descriptor.full_name() + "/" + method.name(),
                                              PolicyOf(method), handler->second, authenticator});
      FLORIN_CHECK(!endpoint->policy.needs_user || authenticator != nullptr,
                   "access USER needs an authenticator");
      paths_.push_back(std::make_unique<std::string>("/" + endpoint->name));
      AddMethod(new grpc::internal::RpcServiceMethod(
          paths_.back()->c_str(), grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
      MarkMethodRawCallback(i, Handler(endpoint.get(), executor));
      endpoints_.push_back(std::move(endpoint));
    }
  }

 private:
  static grpc::internal::MethodHandler* Handler(const Endpoint* endpoint, Executor executor) {
    return new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
        [endpoint, executor](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                             grpc::ByteBuffer* response) {
          auto* reactor = new Reactor;
          // gRPC's thread: only hand over.
          asio::co_spawn(executor, ServeCall(endpoint, context, request, response, reactor),
                         asio::detached);
          return reactor;
        });
  }

  std::vector<std::unique_ptr<std::string>> paths_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

std::shared_ptr<grpc::ServerCredentials> Credentials(const CertificateFiles& files) {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions tls(provider);
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(tls);
}

}  // namespace

class Server::Impl {
 public:
  Impl(Executor executor, const ServerOptions& options, const std::vector<Service*>& services) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.listen, Credentials(options.certificates), &port_);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 3000);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    for (const Service* service : services) {
      services_.push_back(std::make_unique<GrpcService>(*service, executor, options.authenticator));
      builder.RegisterService(services_.back().get());
    }
    server_ = builder.BuildAndStart();
  }

  bool started() const { return server_ != nullptr && port_ != 0; }
  int port() const { return port_; }

  void Drain(absl::Duration grace) {
    std::lock_guard lock(mutex_);
    if (drained_) return;
    drained_ = true;
    server_->GetHealthCheckService()->SetServingStatus(false);
    server_->Shutdown(absl::ToChronoTime(SystemClock().Now() + grace));
    server_->Wait();
  }

 private:
  int port_ = 0;
  std::vector<std::unique_ptr<GrpcService>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  bool drained_ = false;  // Guarded by mutex_.
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Drain(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Executor executor, ServerOptions options,
                                                      std::vector<Service*> services) {
  auto impl = std::make_unique<Impl>(executor, options, services);
  if (!impl->started()) {
    return Error(Reason::kInternal, "cannot listen on " + options.listen +
                                        ": the port is in use or the certificates are unreadable");
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

int Server::port() const { return impl_->port(); }
void Server::Drain(absl::Duration grace) { impl_->Drain(grace); }

}  // namespace florin::rpc
