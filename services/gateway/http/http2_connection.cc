#include "services/gateway/http/http2_connection.h"

#include <utility>

#include "libs/telemetry/metrics.h"

namespace florin::gateway {
namespace {

// What is written at once: two records of TLS.
constexpr std::size_t kWriteBytes = 32 * 1024;

H2Session::Time Now() { return std::chrono::steady_clock::now(); }

}  // namespace

Http2Connection::Http2Connection(TlsStream& stream, Api& api, const Limits& limits)
    : stream_(stream), api_(api), session_(limits, stream.peer(), Now()) {}

Task<void> Http2Connection::Run() {
  stream_.Disarm();
  Pump();
  while (!session_.done() && !broken_) {
    const absl::Status filled = co_await stream_.Fill();
    if (!filled.ok()) break;
    const std::string_view bytes = stream_.buffered();
    session_.Feed(bytes, Now());
    stream_.Consume(bytes.size());
    Pump();
  }
  // The client may read still, although it says no more. A write has its deadline, and so has every
  // request.
  const absl::Duration however_long = absl::InfiniteDuration();
  while (writing_ || (running_ > 0 && !broken_ && !session_.done())) {
    co_await changed_.Wait(however_long);
  }
  broken_ = true;
  if (session_.flooded()) telemetry::Count("florin_http_connections_flooded_total");
}

Task<void> Http2Connection::Finish() {
  const absl::Duration however_long = absl::InfiniteDuration();
  while (running_ > 0) {
    co_await changed_.Wait(however_long);
  }
}

// Begins what can be begun.
void Http2Connection::Pump() {
  for (H2Session::Incoming& incoming : session_.TakeIncoming()) {
    ++running_;
    asio::co_spawn(stream_.executor(), Serve(this, std::move(incoming)), asio::detached);
  }
  if (writing_ || broken_ || !session_.has_output()) return;
  writing_ = true;
  asio::co_spawn(stream_.executor(), Flush(this), asio::detached);
}

Task<void> Http2Connection::Serve(Http2Connection* self, H2Session::Incoming incoming) {
  Response response;
  if (incoming.refusal.ok()) {
    response = co_await self->api_.Handle(incoming.request);
  } else {
    response = self->api_.Refuse(incoming.refusal, incoming.request);
  }
  self->session_.Answer(incoming.stream, std::move(response), self->api_.Date(), Now());
  --self->running_;
  self->Pump();
  self->changed_.Ring();
}

Task<void> Http2Connection::Flush(Http2Connection* self) {
  while (!self->broken_) {
    self->output_.clear();
    self->session_.TakeOutput(kWriteBytes, self->output_);
    if (self->output_.empty()) break;
    const bool written = co_await self->stream_.Write(self->output_);
    self->broken_ = !written;
  }
  self->writing_ = false;
  std::string().swap(self->output_);  // An idle connection keeps no buffer.
  // Whoever reads has nothing to wait for.
  if (self->broken_ || self->session_.done()) self->stream_.Cancel();
  self->changed_.Ring();
}

void Http2Connection::Expire(H2Session::Time now) {
  session_.Expire(now);
  Pump();
  if (!writing_ && session_.done()) stream_.Cancel();
}

void Http2Connection::Drain() {
  session_.Drain();
  Pump();
}

}  // namespace florin::gateway
