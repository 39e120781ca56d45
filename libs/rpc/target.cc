#include "libs/rpc/target.h"

#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/clock/clock.h"
#include "libs/rpc/call_stream_server.h"
#include "libs/rpc/metadata_keys.h"
#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"

namespace florin::rpc {

// Everything that gRPC refers to until a unary call has ended.
struct Target::Pending {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  grpc::StubOptions options;
};

namespace {

constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
// How long a server that knows nothing of streams of calls is asked without one: it may be replaced
// by one that does.
constexpr absl::Duration kAloneFor = absl::Seconds(30);
// Longer than one attempt to connect may take (channel.cc).
constexpr absl::Duration kRevivalTime = absl::Seconds(6);

void SetMetadata(grpc::ClientContext& context, const Outgoing& outgoing) {
  const auto add = [&context](const char* key, const std::string& value) {
    if (!value.empty()) context.AddMetadata(key, value);
  };
  add(kRequestIdKey, outgoing.request_id);
  add(kTraceparentKey, outgoing.traceparent);
  add(kClientAddressKey, outgoing.client_address);
  add(kIdempotencyKeyKey, outgoing.idempotency_key);
  if (!outgoing.user_token.empty())
    context.AddMetadata(kAuthorizationKey, kBearerPrefix + outgoing.user_token);
}

}  // namespace

Target::Target(Executor executor, std::shared_ptr<grpc::Channel> channel,
               std::shared_ptr<OpenStreams> open, bool share_stream)
    : executor_(executor),
      channel_(std::move(channel)),
      stub_(channel_),
      open_(std::move(open)),
      share_stream_(share_stream) {}

Target::~Target() {
  if (calls_ != nullptr) calls_->Abandon();
  if (const auto revival = revival_.lock()) revival->context.TryCancel();
  if (const auto probe = probe_.lock()) probe->context.TryCancel();
}

// Starts the call; `handler` is completed on the executor.
template <class Handler>
void Target::Start(const std::string& method, const Outgoing& context, const std::string& request,
                   absl::Time deadline, Handler handler) {
  auto call = std::make_shared<Pending>();
  call->context.set_deadline(absl::ToChronoTime(deadline));
  SetMetadata(call->context, context);
  call->request = BufferOf(request);
  auto shared = std::make_shared<Handler>(std::move(handler));
  stub_.UnaryCall(
      &call->context, method, call->options, &call->request, &call->response,
      [executor = executor_, call, shared](const grpc::Status& status) mutable {
        // gRPC's thread: only hand over, and keep nothing. The call refers to the
        // channel, and gRPC's thread would wait for itself if it were the last to let
        // go of that.
        asio::post(executor, [call = std::move(call), shared = std::move(shared), status] {
          Reply reply{status.ok() ? absl::StatusOr<std::string>(BytesOf(call->response))
                                  : FromGrpc(status)};
          const auto& trailers = call->context.GetServerTrailingMetadata();
          reply.replayed = trailers.find(kReplayedKey) != trailers.end();
          std::move (*shared)(std::move(reply));
        });
      });
}

Task<Reply> Target::Unary(std::string method, const Outgoing& context, std::string request,
                          absl::Time deadline) {
  constexpr int kMostStreams = 3;  // Each may close just when the call comes.
  for (int i = 0; i < kMostStreams && request.size() <= kLargestOnAStream; ++i) {
    const std::shared_ptr<CallStream> stream = StreamForCalls();
    if (stream == nullptr) break;
    CallStream::Ended ended = co_await stream->Call(method, &context, request, deadline);
    if (ended) co_return *std::move(ended);
  }
  co_return co_await UnaryAlone(std::move(method), context, std::move(request), deadline);
}

std::shared_ptr<CallStream> Target::StreamForCalls() {
  if (!share_stream_) return nullptr;
  const absl::Time now = SystemClock().Now();
  std::lock_guard lock(mutex_);
  if (now < alone_until_) return nullptr;
  if (calls_ != nullptr && calls_->open()) return calls_;
  if (calls_ != nullptr && calls_->unknown_to_server()) {
    calls_ = nullptr;
    alone_until_ = now + kAloneFor;
    return nullptr;
  }
  calls_ = CallStream::Start(executor_, open_, *channel_);
  return calls_;
}

Task<Reply> Target::UnaryAlone(std::string method, const Outgoing& context, std::string request,
                               absl::Time deadline) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(Reply)>(
      [deadline](auto handler, Target* target, const std::string* path, const Outgoing* outgoing,
                 const std::string* bytes) {
        target->Start(*path, *outgoing, *bytes, deadline, std::move(handler));
      },
      use_task, this, &method, &context, &request);
}

std::shared_ptr<StreamCall> Target::StartStream(const std::string& method, const Outgoing& context,
                                                const std::string& request) {
  auto call = std::make_shared<StreamCall>(executor_, open_);
  if (context.deadline != absl::InfiniteFuture())
    call->context().set_deadline(absl::ToChronoTime(context.deadline));
  SetMetadata(call->context(), context);
  StreamCall::Start(call, *channel_, method, request);
  return call;
}

Task<absl::Status> Target::Reach(absl::Time until) {
  if (channel_->GetState(true) == GRPC_CHANNEL_READY) co_return absl::OkStatus();
  co_return co_await CheckHealth(until);
}

Task<absl::Status> Target::CheckHealth(absl::Time until) {
  const Outgoing context;
  std::string method = kHealthCheck;
  std::string request;
  const Reply reply = co_await UnaryAlone(std::move(method), context, std::move(request), until);
  co_return reply.payload.status();
}

void Target::Retire() {
  std::lock_guard lock(mutex_);
  if (calls_ != nullptr) calls_->Retire();
}

template <class Handler>
void Target::StartProbe(absl::Time until, Handler handler) {
  auto call = std::make_shared<Pending>();
  {
    std::lock_guard lock(mutex_);
    probe_ = call;
  }
  call->context.set_deadline(absl::ToChronoTime(until));
  call->request = BufferOf({});  // A buffer that was never set cannot be sent.
  open_->Enter();
  auto shared = std::make_shared<Handler>(std::move(handler));
  stub_.UnaryCall(
      &call->context, kHealthCheck, call->options, &call->request, &call->response,
      [executor = executor_, open = open_, call, shared](const grpc::Status& status) mutable {
        asio::post(executor, [call = std::move(call), shared = std::move(shared), status] {
          std::move (*shared)(FromGrpc(status));
        });
        open->Leave();
      });
}

// Lets go of the target once the call has begun, so that it may go meanwhile.
Task<absl::Status> Target::Probe(std::shared_ptr<Target> target, absl::Time until) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(absl::Status)>(
      [until](auto handler, std::shared_ptr<Target> probed) {
        probed->StartProbe(until, std::move(handler));
      },
      use_task, std::move(target));
}

void Target::Revive() {
  std::lock_guard lock(mutex_);
  if (!revival_.expired()) return;
  auto call = std::make_shared<Pending>();
  revival_ = call;
  call->context.set_deadline(absl::ToChronoTime(SystemClock().Now() + kRevivalTime));
  call->request = BufferOf({});  // A buffer that was never set cannot be sent.
  call->context.set_wait_for_ready(true);
  open_->Enter();
  stub_.UnaryCall(&call->context, kHealthCheck, call->options, &call->request, &call->response,
                  [executor = executor_, open = open_, call](const grpc::Status&) mutable {
                    asio::post(executor, [call = std::move(call)] {});
                    open->Leave();
                  });
}

}  // namespace florin::rpc
