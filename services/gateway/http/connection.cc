#include "services/gateway/http/connection.h"

namespace florin::gateway {

Connection::Connection(Socket socket, asio::ssl::context& tls, Api& api, const Limits& limits,
                       const bool& draining)
    : stream_(std::move(socket), tls, limits), api_(api), limits_(limits), draining_(draining) {}

Task<void> Connection::Run() {
  const bool shaken = co_await stream_.Handshake();
  if (!shaken) co_return;
  if (stream_.protocol() == "h2") {
    http2_.emplace(stream_, api_, limits_);
    if (draining_) http2_->Drain();
    co_await http2_->Run();
  } else {
    http1_.emplace(stream_, api_, limits_, draining_);
    co_await http1_->Run();
  }
  closing_ = true;
  co_await stream_.Close();
  if (http2_) {
    co_await http2_->Finish();
  }
}

void Connection::CloseIfDue(Time now) {
  stream_.CloseIfDue(now);
  if (http2_ && !closing_) http2_->Expire(now);
}

void Connection::StartDraining() {
  if (closing_) return;
  if (http2_) return http2_->Drain();
  if (http1_) return http1_->CloseIfIdle();
  stream_.Cancel();  // The handshake.
}

}  // namespace florin::gateway
