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
#include "libs/rpc/admission.h"
#include "libs/rpc/call_stream_server.h"
#include "libs/rpc/metadata_keys.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/server_stream.h"
#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"
#include "libs/status/check.h"

namespace florin::rpc {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 1;

// The life of one call: gRPC's reactor, alive until gRPC has sent the answer.
class Reactor : public grpc::ServerUnaryReactor {
 public:
  void OnDone() override { delete this; }
  // The handler goes on: its effect is idempotent, and the saga is not the caller's to abandon.
  void OnCancel() override {}
};

Task<void> ServeCall(const Endpoint* endpoint, grpc::CallbackServerContext* context,
                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                     Reactor* reactor) {
  Arrival arrival = ReadArrival(*context, SystemClock().Now() + kLongestCall);
  std::string bytes = BytesOf(*request);
  const Answer answer = co_await AnswerCall(endpoint, std::move(arrival), std::move(bytes));
  if (answer.replayed) context->AddTrailingMetadata(kReplayedKey, "true");
  if (answer.response.ok()) *response = BufferOf(*answer.response);
  reactor->Finish(ToGrpc(answer.response.status()));
}

// Registers a Service's methods with gRPC as raw callback methods: what grpc_cpp_plugin's generated
// WithRawCallbackMethod classes do, by descriptor instead of by name.
class GrpcService : public grpc::Service {
 public:
  GrpcService(const rpc::Service& service, Executor executor, const ServerOptions& options,
              std::shared_ptr<Cancellation> draining)
      : executor_(executor), draining_(std::move(draining)) {
    const auto& descriptor = service.descriptor();
    for (int i = 0; i < descriptor.method_count(); ++i)
      Register(i, EndpointOf(service, *descriptor.method(i), options));
  }

  void AddUnaryTo(Endpoints& endpoints) const {
    for (const auto& endpoint : endpoints_) {
      if (endpoint->method != nullptr) endpoints.emplace("/" + endpoint->name, endpoint.get());
    }
  }

 private:
  using Rpc = grpc::internal::RpcMethod;

  static std::unique_ptr<Endpoint> EndpointOf(const rpc::Service& service,
                                              const google::protobuf::MethodDescriptor& method,
                                              const ServerOptions& options) {
    auto endpoint = std::make_unique<Endpoint>();
    endpoint->name = method.service()->full_name() + "/" + method.name();
    endpoint->policy = PolicyOf(method);
    endpoint->authenticator = options.authenticator;
    endpoint->clock = options.clock;
    const auto unary = service.methods().find(method.name());
    const auto stream = service.stream_methods().find(method.name());
    if (unary != service.methods().end()) endpoint->method = unary->second;
    if (stream != service.stream_methods().end()) endpoint->stream_method = stream->second;
    const bool has_handler = method.server_streaming() ? endpoint->stream_method != nullptr
                                                       : endpoint->method != nullptr;
    FLORIN_CHECK(has_handler, "every method of the descriptor has a handler");
    FLORIN_CHECK(!endpoint->policy.needs_user || endpoint->authenticator != nullptr,
                 "access USER needs an authenticator");
    return endpoint;
  }

  void Register(int index, std::unique_ptr<Endpoint> endpoint) {
    const bool streams = endpoint->stream_method != nullptr;
    paths_.push_back(std::make_unique<std::string>("/" + endpoint->name));
    AddMethod(new grpc::internal::RpcServiceMethod(
        paths_.back()->c_str(), streams ? Rpc::SERVER_STREAMING : Rpc::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(index, streams ? NewStreamHandler(endpoint.get(), executor_, draining_)
                                         : NewUnaryHandler(endpoint.get(), executor_));
    endpoints_.push_back(std::move(endpoint));
  }

  static grpc::internal::MethodHandler* NewUnaryHandler(const Endpoint* endpoint,
                                                        Executor executor) {
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

  const Executor executor_;
  const std::shared_ptr<Cancellation> draining_;
  std::vector<std::unique_ptr<std::string>> paths_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

// The method that carries the unary calls of all services (call_stream_server.h).
class TransportService : public grpc::Service {
 public:
  TransportService(Endpoints endpoints, Executor executor, std::shared_ptr<Cancellation> draining) {
    AddMethod(new grpc::internal::RpcServiceMethod(
        kExchangeMethod, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodRawCallback(0, NewCallStreamHandler(std::move(endpoints), executor, draining));
  }
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
    builder.SetMaxReceiveMessageSize(static_cast<int>(kMostOctets));
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 3000);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    Endpoints unary;
    for (const Service* service : services) {
      services_.push_back(std::make_unique<GrpcService>(*service, executor, options, draining_));
      builder.RegisterService(services_.back().get());
      services_.back()->AddUnaryTo(unary);
    }
    if (options.streams_of_calls) {
      transport_ = std::make_unique<TransportService>(std::move(unary), executor, draining_);
      builder.RegisterService(transport_.get());
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
    draining_->Cancel(Error(Reason::kUnavailable, "the server is going: resume elsewhere"));
    server_->Shutdown(absl::ToChronoTime(SystemClock().Now() + grace));
    server_->Wait();
  }

 private:
  int port_ = 0;
  const std::shared_ptr<Cancellation> draining_ = std::make_shared<Cancellation>();
  std::vector<std::unique_ptr<GrpcService>> services_;
  std::unique_ptr<TransportService> transport_;
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
