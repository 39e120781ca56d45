// HTTP/1.1 over one client's TLS connection: requests one after the other. Those of a pipeline are
// served in order, one at a time; what has not been served waits in the socket, so that at most
// kReadBufferBytes are held here.
#pragma once

#include <optional>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/request_parser.h"
#include "services/gateway/http/tls_stream.h"

namespace florin::gateway {

// Belongs to the thread of its stream.
class Http1Connection {
 public:
  // The references outlive this. Once `draining`, no further request is read.
  Http1Connection(TlsStream& stream, Api& api, const Limits& limits, const bool& draining)
      : stream_(stream), api_(api), limits_(limits), draining_(draining) {}

  // Serves until nothing is left to say but goodbye.
  Task<void> Run();

  // Ends the connection if it waits for a request.
  void CloseIfIdle();

 private:
  Task<bool> ServeRequest();
  Task<absl::Status> ReadRequest();
  Task<absl::Status> ReadHead();
  Task<absl::Status> ReadBody();

  TlsStream& stream_;
  Api& api_;
  const Limits& limits_;
  const bool& draining_;
  std::optional<RequestParser> parser_;
  bool idle_ = true;   // Nothing of a next request has arrived.
  bool first_ = true;  // No request has been served yet.
};

}  // namespace florin::gateway
