#include "services/gateway/http/tls_stream.h"

#include <openssl/ssl.h>

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "services/gateway/http/tls.h"

namespace florin::gateway {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadBytes = 8 * 1024;

}  // namespace

TlsStream::TlsStream(Socket socket, asio::ssl::context& tls, const Limits& limits)
    : stream_(std::move(socket), tls), limits_(limits) {
  error_code gone;
  const auto peer = stream_.next_layer().remote_endpoint(gone);
  if (!gone) peer_.address = peer.address().to_string();
}

void TlsStream::Arm(absl::Duration limit) {
  deadline_ = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
  timed_out_ = false;
}

void TlsStream::CloseIfDue(Time now) {
  if (now < deadline_) return;
  // The deadline stays: a step that was just completing begins another operation, which the next
  // look breaks off.
  timed_out_ = true;
  Cancel();
}

void TlsStream::Cancel() {
  error_code ignored;
  stream_.next_layer().cancel(ignored);
}

std::string_view TlsStream::buffered() const {
  const auto data = buffer_.cdata();
  return std::string_view(static_cast<const char*>(data.data()), data.size());
}

Task<bool> TlsStream::Handshake() {
  error_code ec;
  Arm(limits_.handshake_time);
  co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                   asio::redirect_error(use_task, ec));
  if (!ec) peer_.certificate_thumbprint = ClientCertificateThumbprint(*stream_.native_handle());
  co_return !ec;
}

std::string_view TlsStream::protocol() {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(stream_.native_handle(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size);
}

Task<absl::Status> TlsStream::Fill() {
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
  co_return Error(Reason::kCanceled, "the connection ended");
}

Task<bool> TlsStream::Write(std::string_view bytes) {
  Arm(limits_.write_time);
  error_code ec;
  co_await asio::async_write(stream_, asio::buffer(bytes), asio::redirect_error(use_task, ec));
  Disarm();
  co_return !ec;
}

Task<void> TlsStream::Close() {
  Arm(limits_.linger_time);
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
