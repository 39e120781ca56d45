// The server's side of one HTTP/2 connection (RFC 9113) as bytes in and bytes out: no sockets, no
// clock. Framing, HPACK and flow control are nghttp2's, whose checks of HTTP messages are all on;
// this adds what HTTP/1.1 refuses here, the limits, and the guard against floods.
//
//   session.Feed(bytes_read, now);
//   for (auto& incoming : session.TakeIncoming()) …start…
//   session.Answer(stream, response, date, now);
//   session.TakeOutput(most, bytes_to_write);
//
// Reset with PROTOCOL_ERROR, since what was meant is in doubt: upper-case names, fields of a
// connection (Connection, Transfer-Encoding, …), TE but `trailers`, pseudo-fields that are unknown,
// missing, given twice or out of order, a Content-Length that is given twice or does not fit the
// body, any octet in a name or value that HTTP does not have there (CR, LF, NUL, …), white space
// around a value. Answered by a refusal (kMalformedRequest): a scheme but https, an authority that
// is missing, has user information or contradicts Host, trailers, and what RequestFields refuses.
// Besides kHeaderTooLarge, kBodyTooLarge, kRequestTimeout as in HTTP/1.1, and kOverloaded where the
// bodies of a connection's requests exceed limits.stream_bodies_bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/request.h"

namespace florin::gateway {

// Not thread-safe.
class H2Session {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `limits` outlives this. `peer` is for the requests.
  H2Session(const Limits& limits, Peer peer, Time now);
  ~H2Session();
  H2Session(const H2Session&) = delete;

  // Takes bytes of the peer, in their order. Where they end the session, the output says why.
  void Feed(std::string_view bytes, Time now);

  // A request to answer: itself, or with `refusal` if that is not OK.
  struct Incoming {
    std::int32_t stream;
    Request request;
    absl::Status refusal;
  };
  // The requests that are complete, or beyond hope, since the last call. Those that were reset
  // meanwhile are not among them.
  std::vector<Incoming> TakeIncoming();

  // Answers each Incoming, once. Without effect if its stream has ended. `date` is an IMF-fixdate.
  void Answer(std::int32_t stream, Response response, const std::string& date, Time now);

  // Appends what is to be sent next: `most` bytes and a frame, at most.
  void TakeOutput(std::size_t most, std::string& output);
  bool has_output() const;

  // Gives up on what has taken too long: a frame or header block, a request's body (408), a
  // response that is not fetched, a connection without a request.
  void Expire(Time now);

  // Says with GOAWAY that no further request is served. The others are.
  void Drain();

  // Nothing is left to read or to write.
  bool done() const;
  // The session was ended because of the client's conduct (ENHANCE_YOUR_CALM).
  bool flooded() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace florin::gateway
