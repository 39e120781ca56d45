// HTTP/1.1 requests from bytes, strictly (RFC 9112): whatever two parsers could frame differently
// is refused, so that nothing can be smuggled past whoever stands in front of us. Grammar and
// chunked coding are Boost.Beast's; this adds the refusals. No I/O.
//
// Refused with kMalformedRequest: bare CR or LF, NUL and other control characters, obsolete line
// folding, white space before a colon, Content-Length with Transfer-Encoding, more than one of
// Content-Length, Transfer-Encoding or Host, a Content-Length that is no plain number, any transfer
// coding but `chunked` (and that only in HTTP/1.1), chunk extensions and trailers, a missing Host
// in HTTP/1.1, and what RequestFields refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "libs/status/status.h"
#include "services/gateway/http/request.h"

namespace florin::gateway {

// One request. Not thread-safe.
class RequestParser {
 public:
  // `peer` is for the request.
  explicit RequestParser(std::uint64_t body_limit, Peer peer = {});
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;

  // Parses the request line and the fields, which end with the first empty line. Call once, first.
  // Errors: kMalformedRequest, kUnsupportedMediaType; kBodyTooLarge if Content-Length announces
  // more than the limit.
  absl::Status ParseHead(std::string_view head);

  // Takes bytes of the body from the front of `bytes` and says how many it took: 0 means that it
  // needs more at once than there are. Not after done(). Errors: kMalformedRequest, kBodyTooLarge.
  absl::StatusOr<std::size_t> ParseBody(std::string_view bytes);

  // After ParseHead: whether the request is complete.
  bool done() const;
  // After ParseHead.
  bool keep_alive() const;        // By version and Connection; never for HTTP/1.0.
  bool expects_continue() const;  // The client waits for `100 Continue` before it sends the body.

  // Complete once done().
  const Request& request() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace florin::gateway
