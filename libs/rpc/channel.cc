#include "libs/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/metadata_keys.h"
#include "libs/rpc/status_wire.h"

namespace florin::rpc {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 1;

// Accepts exactly one peer: the service that the channel is for. gRPC has verified the chain
// already; this replaces its host name check, since services are known by their SPIFFE identity and
// not by where they run.
class PeerIsService : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit PeerIsService(const std::string& service) : expected_(kTrustDomain + service) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    const auto names = request->uri_names();
    const bool is_service =
        names.size() == 1 && std::string(names[0].data(), names[0].size()) == expected_;
    *status = is_service ? grpc::Status::OK
                         : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                        "the server is not " + expected_);
    return true;  // Decided at once.
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string expected_;
};

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ChannelOptions& options) {
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.certificates.key, options.certificates.certificate, options.certificates.ca,
      kCertificateRefreshSeconds));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(true);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<PeerIsService>(options.service));
  return grpc::experimental::TlsCredentials(tls);
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // In spite of its name, the time that an attempt may take, TCP and TLS together: generous, since
  // a busy machine needs it.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // Retry is ours to decide, by idempotency.
  return arguments;
}

// Everything that gRPC refers to until the call has ended.
struct PendingCall {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  grpc::StubOptions options;
};

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

void SetMetadata(grpc::ClientContext& context, const Outgoing& outgoing) {
  const auto add = [&context](const char* key, const std::string& value) {
    if (!value.empty()) context.AddMetadata(key, value);
  };
  add(kRequestIdKey, outgoing.request_id);
  add(kTraceparentKey, outgoing.traceparent);
  add(kIdempotencyKeyKey, outgoing.idempotency_key);
  if (!outgoing.user_token.empty())
    context.AddMetadata(kAuthorizationKey, kBearerPrefix + outgoing.user_token);
}

Reply ToReply(const PendingCall& call, const grpc::Status& status) {
  Reply reply{status.ok() ? absl::StatusOr<std::string>(ToString(call.response))
                          : FromGrpc(status)};
  const auto& trailers = call.context.GetServerTrailingMetadata();
  reply.replayed = trailers.find(kReplayedKey) != trailers.end();
  return reply;
}

}  // namespace

class Channel::Impl {
 public:
  Impl(Executor executor, const ChannelOptions& options)
      : executor_(executor),
        default_timeout_(options.default_timeout),
        channel_(grpc::CreateCustomChannel(options.target, Credentials(options), Arguments())),
        stub_(channel_) {}

  // Starts the call; `handler` is completed on the executor.
  template <class Handler>
  void Start(const std::string& method, const Outgoing& outgoing, const std::string& request,
             Handler handler) {
    auto call = std::make_shared<PendingCall>();
    const absl::Time latest = SystemClock().Now() + default_timeout_;
    call->context.set_deadline(absl::ToChronoTime(std::min(outgoing.deadline, latest)));
    SetMetadata(call->context, outgoing);
    grpc::Slice slice(request);
    call->request = grpc::ByteBuffer(&slice, 1);
    auto shared = std::make_shared<Handler>(std::move(handler));
    stub_.UnaryCall(&call->context, method, call->options, &call->request, &call->response,
                    [executor = executor_, call, shared](const grpc::Status& status) mutable {
                      // gRPC's thread: only hand over, and keep nothing. The call refers to the
                      // channel, and gRPC's thread would wait for itself if it were the last to let
                      // go of that.
                      asio::post(executor,
                                 [call = std::move(call), shared = std::move(shared), status] {
                                   std::move (*shared)(ToReply(*call, status));
                                 });
                    });
  }

 private:
  const Executor executor_;
  const absl::Duration default_timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
};

Channel::Channel(Executor executor, ChannelOptions options)
    : impl_(std::make_unique<Impl>(executor, options)) {}
Channel::~Channel() = default;
Channel::Channel(Channel&&) noexcept = default;

Task<Reply> Channel::CallBytes(std::string method, Outgoing context, std::string request) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(Reply)>(
      [](auto handler, Impl* impl, const std::string* path, const Outgoing* outgoing,
         const std::string* bytes) { impl->Start(*path, *outgoing, *bytes, std::move(handler)); },
      use_task, impl_.get(), &method, &context, &request);
}

// A health check (grpc.health.v1), not a look at the channel's state: gRPC drives a connection only
// while a call waits for it.
Task<absl::Status> Channel::Connect(absl::Time deadline) {
  constexpr absl::Duration kPause = absl::Milliseconds(50);
  while (true) {
    Outgoing context;
    context.deadline = deadline;
    std::string request;
    const Reply reply =
        co_await CallBytes("/grpc.health.v1.Health/Check", std::move(context), std::move(request));
    if (reply.payload.ok()) co_return absl::OkStatus();
    if (SystemClock().Now() + kPause >= deadline) co_return reply.payload.status();
    co_await async::Sleep(kPause);
  }
}

}  // namespace florin::rpc
