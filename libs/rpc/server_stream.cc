#include "libs/rpc/server_stream.h"

#include <functional>
#include <string>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/clock/clock.h"
#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"
#include "libs/status/check.h"
#include "libs/telemetry/metrics.h"

namespace florin::rpc {
namespace {

// A client gives up at its deadline by its own clock and hangs up: what comes this close to ours is
// that.
constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(100);

// The life of one stream: gRPC's reactor, alive until gRPC has sent the status. Writes and Finish()
// come from the handler's Task, one after another; the On… from gRPC's threads.
class StreamReactor : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public ByteStream {
 public:
  StreamReactor(const Endpoint* endpoint, Executor executor,
                const grpc::CallbackServerContext* context)
      : endpoint_(endpoint), executor_(executor), context_(context) {}

  const std::shared_ptr<Cancellation>& cancellation() const { return cancellation_; }

  Task<absl::Status> Write(std::string message) override {
    if (cancellation_->canceled()) co_return cancellation_->status();
    FLORIN_CHECK(written_ == nullptr, "one write at a time");
    message_ = BufferOf(message);
    const bool sent =
        co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(bool)>(
            [this](auto handler) { StartToWrite(std::move(handler)); }, use_task);
    if (!sent) {
      OnCancel();  // gRPC's own may come later.
      co_return cancellation_->status();
    }
    telemetry::Count("florin_rpc_messages_sent_total", {{"method", endpoint_->name}});
    co_return absl::OkStatus();
  }

  void OnWriteDone(bool ok) override {
    // gRPC's thread: only hand over.
    asio::post(executor_, [written = std::exchange(written_, nullptr), ok] { written(ok); });
  }
  void OnCancel() override {
    const bool late = SystemClock().Now() + kDeadlineSlack >= DeadlineOf(*context_);
    cancellation_->Cancel(late ? Error(Reason::kDeadlineExceeded, "the stream's deadline passed")
                               : Error(Reason::kCanceled, "the client is gone"));
  }
  void OnDone() override { delete this; }

 private:
  template <class Handler>
  void StartToWrite(Handler handler) {
    auto shared = std::make_shared<Handler>(std::move(handler));
    written_ = [shared](bool ok) { std::move (*shared)(ok); };
    StartWrite(&message_);
  }

  const Endpoint* const endpoint_;
  const Executor executor_;
  const grpc::CallbackServerContext* const context_;
  const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
  grpc::ByteBuffer message_;           // What is being written.
  std::function<void(bool)> written_;  // Who waits for it.
};

Task<absl::Status> Handle(const Endpoint* endpoint, Arrival arrival, std::string request,
                          ByteStream* responses) {
  FLORIN_CO_ASSIGN_OR_RETURN(Call call, co_await Admit(endpoint, std::move(arrival)));
  co_return co_await endpoint->stream_method(call, std::move(request), *responses);
}

Task<void> ServeStream(const Endpoint* endpoint, grpc::CallbackServerContext* context,
                       const grpc::ByteBuffer* request, StreamReactor* reactor,
                       std::shared_ptr<Cancellation> draining) {
  const absl::Time start = SystemClock().Now();
  Arrival arrival = ReadArrival(*context, absl::InfiniteFuture());
  arrival.incoming.cancellation = reactor->cancellation();
  const std::string traceparent = arrival.incoming.traceparent;
  // Both may outlive the reactor, which goes with Finish().
  const std::shared_ptr<Cancellation> cancellation = reactor->cancellation();
  const Cancellation::Subscription drain = Cancellation::Listen(
      std::move(draining), [cancellation](const absl::Status& why) { cancellation->Cancel(why); });
  std::string bytes = BytesOf(*request);
  absl::Status status = co_await Handle(endpoint, std::move(arrival), std::move(bytes), reactor);
  if (cancellation->canceled()) status = cancellation->status();
  Record(*endpoint, status, SystemClock().Now() - start, traceparent);
  reactor->Finish(ToGrpc(status));
}

}  // namespace

grpc::internal::MethodHandler* NewStreamHandler(const Endpoint* endpoint, Executor executor,
                                                std::shared_ptr<Cancellation> draining) {
  return new grpc::internal::CallbackServerStreamingHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
      [endpoint, executor, draining](grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request) {
        auto* reactor = new StreamReactor(endpoint, executor, context);
        // gRPC's thread: only hand over.
        asio::co_spawn(executor, ServeStream(endpoint, context, request, reactor, draining),
                       asio::detached);
        return reactor;
      });
}

}  // namespace florin::rpc
