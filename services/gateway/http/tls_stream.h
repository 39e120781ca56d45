// One client's TLS connection as bytes, with a deadline for the step under way. Whoever speaks a
// protocol over it (Http1Connection, Http2Connection) arms the deadline; one timer for each thread
// looks at them all (CloseIfDue), which spares a timer operation for each read and write.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/request.h"

namespace florin::gateway {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

// Belongs to the thread of its socket's executor. One Fill and one Write at a time; they may
// overlap.
class TlsStream {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The references outlive this.
  TlsStream(Socket socket, asio::ssl::context& tls, const Limits& limits);

  // Whether it succeeded in time.
  Task<bool> Handshake();
  // The protocol that the client and we agreed on, "h2" or "http/1.1"; empty if it offered none.
  std::string_view protocol();
  // Its certificate is known after the handshake.
  const Peer& peer() const { return peer_; }
  Executor executor() { return stream_.get_executor(); }

  // What has been read and not consumed: kReadBufferBytes at most.
  std::string_view buffered() const;
  void Consume(std::size_t size) { buffer_.consume(size); }

  // Reads more. Errors: kRequestTimeout if the deadline has passed; kCanceled if the peer is gone;
  // kMalformedRequest if the buffer is full.
  Task<absl::Status> Fill();
  // Writes all of `bytes` within limits.write_time. Whether it did; disarms.
  Task<bool> Write(std::string_view bytes);
  // Says goodbye in TLS and TCP, then waits for the peer to do so, dropping what it still sends.
  Task<void> Close();

  // Sets the deadline of the steps from now on.
  void Arm(absl::Duration limit);
  void Disarm() { deadline_ = Time::max(); }
  // Breaks off what is under way if its deadline has passed.
  void CloseIfDue(Time now);
  // Breaks off what is under way.
  void Cancel();

 private:
  asio::ssl::stream<Socket> stream_;
  const Limits& limits_;
  Peer peer_;
  boost::beast::flat_static_buffer<kReadBufferBytes> buffer_;
  Time deadline_ = Time::max();
  bool timed_out_ = false;  // The step that failed did so because of its deadline.
};

}  // namespace florin::gateway
