#include "services/gateway/http/connection.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

using boost::system::error_code;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kReadBytes = 8 * 1024;

// The peer is gone or was not there: nobody to answer.
absl::Status PeerGone() { return Error(Reason::kCanceled, "the connection ended"); }

}  // namespace

Connection::Connection(Socket socket, asio::ssl::context& tls, Api& api, const Limits& limits,
                       const bool& draining)
    : stream_(std::move(socket), tls), api_(api), limits_(limits), draining_(draining) {
  error_code gone;
  const auto peer = stream_.next_layer().remote_endpoint(gone);
  if (!gone) client_address_ = peer.address().to_string();
}

void Connection::Arm(absl::Duration limit) {
  deadline_ = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
  timed_out_ = false;
}

void Connection::CloseIfDue(Time now) {
  if (now < deadline_) return;
  // The deadline stays: a step that was just completing begins another operation, which the next
  // look breaks off.
  timed_out_ = true;
  error_code ignored;
  stream_.next_layer().cancel(ignored);
}

void Connection::CloseIfIdle() {
  if (!idle_) return;
  error_code ignored;
  stream_.next_layer().cancel(ignored);
}

std::string_view Connection::Buffered() const {
  const auto data = buffer_.cdata();
  return std::string_view(static_cast<const char*>(data.data()), data.size());
}

Task<void> Connection::Run() {
  error_code ec;
  Arm(limits_.handshake_time);
  co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                   asio::redirect_error(use_task, ec));
  if (ec) co_return;
  while (co_await ServeRequest()) {
  }
  co_await Close();
}

// Whether the connection goes on.
Task<bool> Connection::ServeRequest() {
  if (draining_) co_return false;
  parser_.emplace(limits_.body_bytes, client_address_);
  const absl::Status received = co_await ReadRequest();
  Disarm();
  if (ReasonOf(received) == Reason::kCanceled) co_return false;
  const Request& request = parser_->request();
  Response response;
  if (received.ok()) {
    response = co_await api_.Handle(request);
  } else {
    response = api_.Refuse(received, request);
  }
  const bool keep_alive = received.ok() && parser_->keep_alive() && !draining_;
  const std::string bytes = Serialize(response, api_.Date(), keep_alive, request.method == "HEAD");
  const bool written = co_await Write(bytes);
  first_ = false;
  co_return written&& keep_alive;
}

Task<absl::Status> Connection::ReadRequest() {
  FLORIN_CO_RETURN_IF_ERROR(co_await ReadHead());
  if (parser_->done()) co_return absl::OkStatus();
  co_return co_await ReadBody();
}

Task<absl::Status> Connection::ReadHead() {
  idle_ = buffer_.size() == 0;
  Arm(idle_ && !first_ ? limits_.idle_time : limits_.header_time);
  std::size_t searched = 0;
  bool skipped_empty_line = false;
  while (true) {
    // RFC 9112 section 2.2: an empty line before the request line is no error.
    if (!skipped_empty_line && Buffered().starts_with("\r\n")) {
      buffer_.consume(2);
      skipped_empty_line = true;
      searched = 0;
    }
    const std::string_view bytes = Buffered();
    const std::size_t end = bytes.find(kHeadEnd, searched);
    const bool complete = end != std::string_view::npos;
    const std::size_t size = complete ? end + kHeadEnd.size() : bytes.size();
    if (size > limits_.header_bytes) {
      co_return Error(Reason::kHeaderTooLarge, absl::StrCat("request line and headers exceed ",
                                                            limits_.header_bytes, " bytes"));
    }
    if (complete) {
      const absl::Status parsed = parser_->ParseHead(bytes.substr(0, size));
      buffer_.consume(size);
      co_return parsed;
    }
    searched = size < kHeadEnd.size() ? 0 : size - kHeadEnd.size() + 1;
    const absl::Status filled = co_await Fill();
    if (idle_) {
      if (!filled.ok()) co_return PeerGone();
      idle_ = false;
      Arm(limits_.header_time);
    }
    FLORIN_CO_RETURN_IF_ERROR(filled);
  }
}

Task<absl::Status> Connection::ReadBody() {
  const Time start = std::chrono::steady_clock::now();
  std::uint64_t received = 0;
  Arm(BodyTime(limits_, received));
  if (parser_->expects_continue() && buffer_.size() == 0) {
    error_code ec;
    co_await asio::async_write(stream_, asio::buffer(kContinue),
                               asio::redirect_error(use_task, ec));
    if (ec) co_return PeerGone();
  }
  while (!parser_->done()) {
    std::size_t taken = 0;
    if (buffer_.size() > 0) {
      FLORIN_CO_ASSIGN_OR_RETURN(taken, parser_->ParseBody(Buffered()));
      buffer_.consume(taken);
      received += taken;
      deadline_ = start + absl::ToChronoNanoseconds(BodyTime(limits_, received));
    }
    if (taken == 0) FLORIN_CO_RETURN_IF_ERROR(co_await Fill());
  }
  co_return absl::OkStatus();
}

// Reads more into the buffer.
Task<absl::Status> Connection::Fill() {
  const std::size_t space = std::min(kReadBytes, kReadBufferBytes - buffer_.size());
  if (space == 0)
    co_return Error(Reason::kMalformedRequest, "a line of the chunked body is too long");
  const auto target = buffer_.prepare(space);
  error_code ec;
  const std::size_t size =
      co_await stream_.async_read_some(target, asio::redirect_error(use_task, ec));
  buffer_.commit(size);
  if (!ec) co_return absl::OkStatus();
  if (timed_out_) co_return Error(Reason::kRequestTimeout, "the request did not arrive in time");
  co_return PeerGone();
}

Task<bool> Connection::Write(std::string_view bytes) {
  Arm(limits_.write_time);
  error_code ec;
  co_await asio::async_write(stream_, asio::buffer(bytes), asio::redirect_error(use_task, ec));
  Disarm();
  co_return !ec;
}

// Says goodbye in TLS and TCP, then waits for the peer to do so, dropping what it still sends.
Task<void> Connection::Close() {
  Arm(limits_.linger_time);
  idle_ = false;
  error_code ec;
  // As if the peer's close_notify had come, so that ours is sent without waiting for it.
  SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN);
  co_await stream_.async_shutdown(asio::redirect_error(use_task, ec));
  Socket& socket = stream_.next_layer();
  socket.shutdown(Socket::shutdown_send, ec);
  buffer_.clear();
  const auto scratch = buffer_.prepare(kReadBufferBytes);
  for (std::size_t dropped = 0; !ec && dropped < limits_.linger_bytes;) {
    dropped += co_await socket.async_read_some(scratch, asio::redirect_error(use_task, ec));
  }
  socket.close(ec);
}

}  // namespace florin::gateway
