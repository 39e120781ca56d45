#include "libs/rpc/call_stream_server.h"

#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

#include "florin/transport/v1/envelopes.pb.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/status_wire.h"
#include "libs/rpc/wire_bytes.h"

namespace florin::rpc {
namespace {

namespace v1 = transport::v1;

constexpr int kMostUnderWay = 10'000;
// Replies go into a message until it has so many octets.
constexpr std::size_t kFullMessage = 256 << 10;

// One stream: gRPC's reactor, alive as long as either gRPC or a call refers to it. The On… come
// from gRPC's threads and only hand over; everything else runs on the executor. Ends once the
// client has ended or is gone, and nothing is under way any more.
class ServedCalls : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  ServedCalls(std::shared_ptr<const Endpoints> endpoints, Executor executor,
              const grpc::CallbackServerContext& context)
      : endpoints_(std::move(endpoints)),
        executor_(executor),
        peer_(PeerOf(context)),
        age_(executor) {}

  static ServedCalls* Start(std::shared_ptr<const Endpoints> endpoints, Executor executor,
                            const grpc::CallbackServerContext& context,
                            const std::shared_ptr<Cancellation>& draining, absl::Duration longest) {
    auto stream = std::make_shared<ServedCalls>(std::move(endpoints), executor, context);
    stream->self_ = stream;
    stream->StartRead(&stream->incoming_);
    // The listener itself must not be the one that lets go of the stream, and so of its place.
    stream->draining_.emplace(Cancellation::Listen(
        draining, [executor, weak = std::weak_ptr(stream)](const absl::Status&) {
          asio::post(executor, [weak] {
            if (const auto self = weak.lock()) self->Go();
          });
        }));
    stream->GoAfter(longest);
    return stream.get();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return EndOfRequests();
    asio::post(executor_, [self = self_] { self->TakeRequests(); });
  }
  void OnWriteDone(bool ok) override { Written(ok); }
  // A read that is under way fails by itself.
  void OnCancel() override { Broken(); }
  void OnDone() override {
    // Not to be destroyed on gRPC's thread.
    asio::post(executor_, [self = std::move(self_)] {});
  }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  void TakeRequests() {
    v1::Requests requests;
    const bool readable = requests.ParseFromString(BytesOf(incoming_));
    incoming_.Clear();
    if (!readable) {
      EndOfRequests();  // Not a client of ours.
      return;
    }
    {
      std::lock_guard lock(mutex_);
      under_way_ += requests.calls_size();
    }
    for (v1::RequestEnvelope& envelope : *requests.mutable_calls()) {
      asio::co_spawn(executor_, Serve(self_, std::move(envelope)), asio::detached);
    }
    std::lock_guard lock(mutex_);
    paused_ = broken_ || under_way_ >= kMostUnderWay;
    if (!paused_) return StartRead(&incoming_);
    if (broken_) Break();
    EndIfDone();
  }

  Arrival ArrivalOf(v1::RequestEnvelope& envelope) const {
    const absl::Duration left = absl::Microseconds(envelope.timeout_us());
    const absl::Time now = SystemClock().Now();
    Arrival arrival{.caller = CallerOf(peer_, now), .incoming = Outgoing()};
    arrival.incoming.deadline = now + std::min(left, kLongestCall);
    arrival.incoming.request_id = std::move(*envelope.mutable_request_id());
    if (arrival.incoming.request_id.empty()) {
      arrival.incoming.request_id = FormatId(IdKind::kRequest, SystemIds().NewId());
    }
    arrival.incoming.traceparent = std::move(*envelope.mutable_traceparent());
    arrival.incoming.client_address = std::move(*envelope.mutable_client_address());
    arrival.incoming.idempotency_key = std::move(*envelope.mutable_idempotency_key());
    arrival.incoming.user_token = std::move(*envelope.mutable_user_token());
    return arrival;
  }

  static Task<void> Serve(std::shared_ptr<ServedCalls> stream, v1::RequestEnvelope envelope) {
    v1::ReplyEnvelope reply;
    reply.set_id(envelope.id());
    const auto endpoint = stream->endpoints_->find(envelope.method());
    if (endpoint == stream->endpoints_->end()) {
      const absl::Status unknown = Error(Reason::kMethodNotFound, "the server has no such method");
      reply.set_error(ToGrpc(unknown).error_details());
    } else {
      Arrival arrival = stream->ArrivalOf(envelope);
      std::string request = std::move(*envelope.mutable_payload());
      Answer answer = co_await AnswerCall(endpoint->second, std::move(arrival), std::move(request));
      if (answer.response.ok() && answer.response->size() > kLargestOnAStream) {
        answer.response = Error(Reason::kOverloaded, "the answer is too large for one message");
      }
      if (answer.response.ok()) {
        reply.set_payload(*std::move(answer.response));
      } else {
        reply.set_error(ToGrpc(answer.response.status()).error_details());
      }
      reply.set_replayed(answer.replayed);
    }
    stream->Reply(std::move(reply));
  }

  void Reply(v1::ReplyEnvelope reply) {
    std::lock_guard lock(mutex_);
    --under_way_;
    if (!broken_) waiting_.push_back(std::move(reply));
    if (paused_ && under_way_ <= kMostUnderWay / 2 && !broken_) {
      paused_ = false;
      StartRead(&incoming_);
    }
    WriteSoon();
    EndIfDone();
  }

  // On gRPC's thread, before anything else comes.
  void GoAfter(absl::Duration longest) {
    if (peer_.ok()) longest = std::min(longest, peer_->not_after - SystemClock().Now());
    std::lock_guard lock(mutex_);
    age_.expires_after(absl::ToChronoNanoseconds(longest));
    age_.async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) self->Go();
    });
  }

  void Go() {
    std::lock_guard lock(mutex_);
    going_ = true;
    WriteSoon();
  }

  // After what else is to run now, so that its replies go into the same message. With mutex_ held.
  void WriteSoon() {
    if (writing_ || write_planned_ || finished_) return;
    write_planned_ = true;
    asio::post(executor_, [self = self_] { self->Write(); });
  }

  void Write() {
    std::lock_guard lock(mutex_);
    write_planned_ = false;
    const bool tell = std::exchange(going_, false);
    if (!broken_ && !finished_ && (!waiting_.empty() || tell)) {
      v1::Replies replies;
      replies.set_going(tell);
      std::size_t octets = 0;
      std::size_t count = 0;
      while (count < waiting_.size() && octets < kFullMessage) {
        octets += waiting_[count].payload().size();
        *replies.add_replies() = std::move(waiting_[count++]);
      }
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
      outgoing_ = BufferOf(replies.SerializeAsString());
      writing_ = true;
      StartWrite(&outgoing_);
    }
    EndIfDone();
  }

  void Written(bool ok) {
    std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) Break();
    if (!waiting_.empty() || going_) WriteSoon();
    EndIfDone();
  }

  void EndOfRequests() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    EndIfDone();
  }

  void Broken() {
    std::lock_guard lock(mutex_);
    Break();
    EndIfDone();
  }

  // Nobody hears the replies. With mutex_ held.
  void Break() {
    broken_ = true;
    waiting_.clear();
    if (paused_) ended_ = true;  // No read is under way whose end would tell.
  }

  // With mutex_ held.
  void EndIfDone() {
    if (!ended_ || under_way_ > 0 || !waiting_.empty() || writing_) return;
    if (write_planned_ && !broken_) return;
    if (std::exchange(finished_, true)) return;
    age_.cancel();
    Finish(grpc::Status::OK);
  }

  const std::shared_ptr<const Endpoints> endpoints_;
  const Executor executor_;
  const absl::StatusOr<Peer> peer_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  std::mutex mutex_;  // Guards what follows.
  int under_way_ = 0;
  std::vector<v1::ReplyEnvelope> waiting_;
  bool going_ = false;   // To be told to the client.
  bool ended_ = false;   // Nothing more is read.
  bool paused_ = false;  // Nothing is read now: too much is under way.
  bool broken_ = false;  // Nothing more is written.
  bool writing_ = false;
  bool write_planned_ = false;
  bool finished_ = false;
  Timer age_;
  // Without mutex_: gRPC's reference, let go in OnDone(), after which nothing comes.
  std::shared_ptr<ServedCalls> self_;
  std::optional<Cancellation::Subscription> draining_;
};

}  // namespace

grpc::internal::MethodHandler* NewCallStreamHandler(Endpoints endpoints, Executor executor,
                                                    std::shared_ptr<Cancellation> draining,
                                                    absl::Duration longest) {
  return new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
      [endpoints = std::make_shared<const Endpoints>(std::move(endpoints)), executor, draining,
       longest](grpc::CallbackServerContext* context) {
        return ServedCalls::Start(endpoints, executor, *context, draining, longest);
      });
}

}  // namespace florin::rpc
