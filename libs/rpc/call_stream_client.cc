#include "libs/rpc/call_stream_client.h"

#include <algorithm>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "florin/transport/v1/envelopes.pb.h"
#include "libs/clock/clock.h"
#include "libs/rpc/call_stream_server.h"
#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"

namespace florin::rpc {
namespace {

namespace v1 = transport::v1;

// Calls go into a message until it has so many octets.
constexpr std::size_t kFullMessage = 256 << 10;

Reply ReplyOf(v1::ReplyEnvelope& envelope) {
  Reply reply{.payload = std::string(), .replayed = envelope.replayed()};
  if (envelope.error().empty()) {
    reply.payload = std::move(*envelope.mutable_payload());
  } else {
    reply.payload = FromGrpc(grpc::Status(grpc::StatusCode::UNKNOWN, "", envelope.error()));
  }
  return reply;
}

// What becomes of calls that were open when the stream ended.
absl::Status Lost(const grpc::Status& end) {
  if (end.error_code() == grpc::StatusCode::UNAVAILABLE) return FromGrpc(end);
  return Error(Reason::kUnavailable, "the connection was lost");
}

}  // namespace

CallStream::CallStream(Executor executor, std::shared_ptr<OpenStreams> open)
    : executor_(executor), open_streams_(std::move(open)), timer_(executor) {}
CallStream::~CallStream() = default;

std::shared_ptr<CallStream> CallStream::Start(Executor executor, std::shared_ptr<OpenStreams> open,
                                              grpc::ChannelInterface& channel) {
  auto stream = std::make_shared<CallStream>(executor, std::move(open));
  stream->self_ = stream;
  stream->open_streams_->Enter();
  grpc::internal::ClientCallbackReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
      &channel,
      grpc::internal::RpcMethod(kExchangeMethod, nullptr,
                                grpc::internal::RpcMethod::BIDI_STREAMING),
      &stream->context_, stream.get());
  stream->AddHold();  // Writes do not start in reactions.
  stream->StartRead(&stream->incoming_);
  stream->StartCall();
  return stream;
}

bool CallStream::open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

bool CallStream::unknown_to_server() const {
  std::lock_guard lock(mutex_);
  return unknown_to_server_;
}

Task<CallStream::Ended> CallStream::Call(std::string method, const Outgoing* context,
                                         std::string request, absl::Time deadline) {
  auto envelope = std::make_unique<Envelope>();
  envelope->set_method(std::move(method));
  envelope->set_request_id(context->request_id);
  envelope->set_traceparent(context->traceparent);
  envelope->set_client_address(context->client_address);
  envelope->set_idempotency_key(context->idempotency_key);
  envelope->set_user_token(context->user_token);
  envelope->set_payload(std::move(request));
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(Ended)>(
      [this, deadline](auto handler, std::unique_ptr<Envelope> moved) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        Submit(std::move(moved), deadline,
               [shared](Ended ended) { std::move (*shared)(std::move(ended)); });
      },
      use_task, std::move(envelope));
}

void CallStream::Submit(std::unique_ptr<Envelope> envelope, absl::Time deadline,
                        Complete complete) {
  std::lock_guard lock(mutex_);
  if (!open_) {
    asio::post(executor_, [complete = std::move(complete)] { complete(std::nullopt); });
    return;
  }
  const std::uint64_t id = next_id_++;
  envelope->set_id(id);
  calls_.emplace(id, UnderWay{std::move(complete), deadline});
  deadlines_.emplace(deadline, id);
  WakeAt(deadline);
  waiting_.push_back(std::move(envelope));
  WriteSoon();
}

// After what else is to run now, so that its calls go into the same message. With mutex_ held.
void CallStream::WriteSoon() {
  if (writing_ || write_planned_) return;
  write_planned_ = true;
  asio::post(executor_, [self = shared_from_this()] { self->Write(); });
}

void CallStream::Write() {
  const absl::Time now = SystemClock().Now();
  std::lock_guard lock(mutex_);
  write_planned_ = false;
  if (!held_ || writing_) return;
  v1::Requests requests;
  std::size_t octets = 0;
  std::size_t count = 0;
  while (count < waiting_.size() && octets < kFullMessage) {
    const std::unique_ptr<Envelope> envelope = std::move(waiting_[count++]);
    const auto call = calls_.find(envelope->id());
    if (call == calls_.end()) continue;  // Its deadline has passed.
    envelope->set_timeout_us(absl::ToInt64Microseconds(call->second.deadline - now));
    octets += envelope->payload().size();
    *requests.add_calls() = std::move(*envelope);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (requests.calls_size() == 0) return EndWriting();
  outgoing_ = BufferOf(requests.SerializeAsString());
  writing_ = true;
  StartWrite(&outgoing_);
}

void CallStream::Written(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok) return;  // The end is near.
  if (!waiting_.empty()) WriteSoon();
  EndWriting();
}

// Once nothing more is to be written. With mutex_ held.
void CallStream::EndWriting() {
  if (open_ || !held_ || writing_ || write_planned_ || !waiting_.empty()) return;
  if (std::exchange(writes_ended_, true)) return;
  StartWritesDone();
}

void CallStream::TakeReplies() {
  v1::Replies replies;
  const bool readable = replies.ParseFromString(BytesOf(incoming_));
  incoming_.Clear();
  if (!readable) context_.TryCancel();
  std::vector<std::pair<Complete, Reply>> ended;
  ended.reserve(static_cast<std::size_t>(replies.replies_size()));
  {
    std::lock_guard lock(mutex_);
    answered_ = true;
    for (v1::ReplyEnvelope& reply : *replies.mutable_replies()) {
      const auto call = calls_.find(reply.id());
      if (call == calls_.end()) continue;  // Its deadline has passed.
      deadlines_.erase({call->second.deadline, reply.id()});
      ended.emplace_back(std::move(call->second.complete), ReplyOf(reply));
      calls_.erase(call);
    }
    if (replies.going()) {
      open_ = false;
      EndWriting();
    }
    if (held_) StartRead(&incoming_);
  }
  for (auto& [complete, reply] : ended) complete(std::move(reply));
}

void CallStream::Retire() {
  asio::post(executor_, [self = shared_from_this()] {
    std::lock_guard lock(self->mutex_);
    self->open_ = false;
    self->EndWriting();
  });
}

void CallStream::Abandon() {
  context_.TryCancel();
  NoMoreReplies();
}

void CallStream::NoMoreReplies() {
  bool held = false;
  {
    std::lock_guard lock(mutex_);
    open_ = false;
    held = std::exchange(held_, false);
  }
  if (held) RemoveHold();
}

void CallStream::End(const grpc::Status& status) {
  std::vector<Complete> unsent;
  std::vector<Complete> left;
  Ended ended;
  {
    std::lock_guard lock(mutex_);
    open_ = false;
    unknown_to_server_ = status.error_code() == grpc::StatusCode::UNIMPLEMENTED && !answered_;
    if (!unknown_to_server_) ended = Reply{.payload = Lost(status)};
    for (const auto& envelope : waiting_) {
      const auto call = calls_.find(envelope->id());
      if (call == calls_.end()) continue;  // Its deadline has passed.
      unsent.push_back(std::move(call->second.complete));
      calls_.erase(call);
    }
    for (auto& [id, call] : calls_) left.push_back(std::move(call.complete));
    calls_.clear();
    deadlines_.clear();
    waiting_.clear();
    timer_.cancel();
  }
  for (const Complete& complete : unsent) complete(std::nullopt);
  for (const Complete& complete : left) complete(ended);
}

// One timer for all calls. With mutex_ held.
void CallStream::WakeAt(absl::Time deadline) {
  if (deadline >= wakes_at_) return;
  wakes_at_ = deadline;
  timer_.expires_after(absl::ToChronoNanoseconds(deadline - SystemClock().Now()));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->Expire();
  });
}

void CallStream::Expire() {
  const absl::Time now = SystemClock().Now();
  std::vector<Complete> late;
  {
    std::lock_guard lock(mutex_);
    wakes_at_ = absl::InfiniteFuture();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const auto call = calls_.find(deadlines_.begin()->second);
      late.push_back(std::move(call->second.complete));
      calls_.erase(call);
      deadlines_.erase(deadlines_.begin());
    }
    if (!deadlines_.empty()) WakeAt(deadlines_.begin()->first);
  }
  for (const Complete& complete : late) {
    complete(Reply{.payload = Error(Reason::kDeadlineExceeded, "no answer by the deadline")});
  }
}

// gRPC's threads from here on: only hand over, and keep nothing (channel.cc says why).

void CallStream::OnReadDone(bool ok) {
  asio::post(executor_,
             [self = shared_from_this(), ok] { ok ? self->TakeReplies() : self->NoMoreReplies(); });
}

void CallStream::OnWriteDone(bool ok) {
  asio::post(executor_, [self = shared_from_this(), ok] { self->Written(ok); });
}

void CallStream::OnDone(const grpc::Status& status) {
  const std::shared_ptr<OpenStreams> open = open_streams_;
  asio::post(executor_, [self = std::move(self_), status] { self->End(status); });
  open->Leave();
}

}  // namespace florin::rpc
