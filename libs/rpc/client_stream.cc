#include "libs/rpc/client_stream.h"

#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"

namespace florin::rpc {

void OpenStreams::Enter() {
  std::lock_guard lock(mutex_);
  ++count_;
}

void OpenStreams::Leave() {
  std::lock_guard lock(mutex_);
  --count_;
  left_.notify_all();
}

void OpenStreams::WaitForAll() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [this] { return count_ == 0; });
}

StreamCall::StreamCall(Executor executor, std::shared_ptr<OpenStreams> open)
    : executor_(executor), open_(std::move(open)) {}

void StreamCall::Start(const std::shared_ptr<StreamCall>& call, grpc::ChannelInterface& channel,
                       const std::string& method, const std::string& request) {
  call->self_ = call;
  call->open_->Enter();
  call->request_ = BufferOf(request);
  grpc::internal::ClientCallbackReaderFactory<grpc::ByteBuffer>::Create(
      &channel,
      grpc::internal::RpcMethod(method.c_str(), nullptr,
                                grpc::internal::RpcMethod::SERVER_STREAMING),
      &call->context_, &call->request_, call.get());
  call->AddHold();
  call->StartCall();
}

template <class Handler>
void StreamCall::StartNext(Handler handler) {
  auto shared = std::make_shared<Handler>(std::move(handler));
  std::lock_guard lock(mutex_);
  if (!held_) {  // Abandoned.
    asio::post(executor_, [shared] { std::move (*shared)(false); });
    return;
  }
  read_ = [shared](bool ok) { std::move (*shared)(ok); };
  StartRead(&message_);
}

Task<std::optional<std::string>> StreamCall::Next() {
  const bool ok = co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(bool)>(
      [this](auto handler) { StartNext(std::move(handler)); }, use_task);
  if (!ok) co_return std::nullopt;
  std::string bytes = BytesOf(message_);
  message_.Clear();
  co_return bytes;
}

template <class Handler>
void StreamCall::StartEnd(Handler handler) {
  auto shared = std::make_shared<Handler>(std::move(handler));
  bool held = false;
  {
    std::lock_guard lock(mutex_);
    if (end_) {
      asio::post(executor_, [shared, end = *end_] { std::move (*shared)(end); });
      return;
    }
    on_end_ = [shared](const grpc::Status& end) { std::move (*shared)(end); };
    held = std::exchange(held_, false);
  }
  if (held) RemoveHold();
}

Task<grpc::Status> StreamCall::End() {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                          void(grpc::Status)>(
      [this](auto handler) { StartEnd(std::move(handler)); }, use_task);
}

void StreamCall::Abandon() {
  context_.TryCancel();
  bool held = false;
  {
    std::lock_guard lock(mutex_);
    held = std::exchange(held_, false);
  }
  if (held) RemoveHold();
}

// gRPC's threads from here on: only hand over, and keep nothing (channel.cc says why).

void StreamCall::OnReadDone(bool ok) {
  asio::post(executor_, [read = std::exchange(read_, nullptr), ok] { read(ok); });
}

void StreamCall::OnDone(const grpc::Status& status) {
  const std::shared_ptr<OpenStreams> open = open_;
  const Executor executor = executor_;
  std::function<void(const grpc::Status&)> on_end;
  std::shared_ptr<StreamCall> self;
  {
    std::lock_guard lock(mutex_);
    end_ = status;
    on_end = std::exchange(on_end_, nullptr);
    self = std::exchange(self_, nullptr);
  }
  asio::post(executor, [self = std::move(self), on_end = std::move(on_end), status] {
    if (on_end) on_end(status);
  });
  open->Leave();
}

namespace {

absl::Status StatusOf(const grpc::Status& end, const std::shared_ptr<Cancellation>& cancellation) {
  if (end.ok()) return absl::OkStatus();
  if (cancellation != nullptr && cancellation->canceled()) return cancellation->status();
  // Without a reason of ours: the server was stopped in the middle.
  if (end.error_code() == grpc::StatusCode::CANCELLED && end.error_details().empty())
    return Error(Reason::kUnavailable, "the stream was broken off");
  return FromGrpc(end);
}

}  // namespace

Task<absl::Status> Consume(std::shared_ptr<StreamCall> call, std::shared_ptr<Cancellation> gone,
                           std::shared_ptr<Cancellation> cancellation,
                           std::function<Task<absl::Status>(std::string)> each) {
  const Cancellation::Subscription going =
      Cancellation::Listen(std::move(gone), [call](const absl::Status&) { call->Abandon(); });
  std::optional<Cancellation::Subscription> canceling;
  if (cancellation != nullptr) {
    canceling.emplace(
        Cancellation::Listen(cancellation, [call](const absl::Status&) { call->Cancel(); }));
  }
  absl::Status consumed;
  while (consumed.ok()) {
    std::optional<std::string> message = co_await call->Next();
    if (!message) break;
    consumed = co_await each(*std::move(message));
  }
  if (!consumed.ok()) call->Cancel();
  const grpc::Status end = co_await call->End();
  co_return consumed.ok() ? StatusOf(end, cancellation) : consumed;
}

}  // namespace florin::rpc
