// The header fields of one request, whichever version of HTTP brought them: which of them mean
// something here, and which may be there only once. What frames the message (Host, Content-Length,
// Transfer-Encoding) is the business of the version. No I/O.
#pragma once

#include <string_view>

#include "libs/status/status.h"
#include "services/gateway/http/request.h"

namespace florin::gateway {

// Not thread-safe.
class RequestFields {
 public:
  // Fills `request`, which outlives this.
  explicit RequestFields(Request& request) : request_(request) {}

  // Takes a field; its name in upper or lower case. One that means nothing here is dropped. Several
  // Cookie fields are joined (RFC 9113 section 8.2.3).
  // Errors: kMalformedRequest: more than one of any other field of Request (of several traceparents
  // none counts), or an expectation other than 100-continue; kUnsupportedMediaType: a
  // Content-Encoding.
  absl::Status Take(std::string_view name, std::string_view value);

  // The client waits for `100 Continue` before it sends the body.
  bool expects_continue() const { return expects_continue_; }

 private:
  Request& request_;
  bool expects_continue_ = false;
  bool saw_traceparent_ = false;
};

}  // namespace florin::gateway
