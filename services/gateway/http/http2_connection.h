// HTTP/2 over one client's TLS connection: an H2Session driven by coroutines, one for each request
// under way (limits.streams at most), one that reads, and one that writes while there is output.
#pragma once

#include <string>

#include "libs/async/bell.h"
#include "libs/async/task.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/h2_session.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/tls_stream.h"

namespace florin::gateway {

// Belongs to the thread of its stream.
class Http2Connection {
 public:
  // The references outlive this.
  Http2Connection(TlsStream& stream, Api& api, const Limits& limits);

  // Serves until nothing is left to say but goodbye.
  Task<void> Run();
  // After Run: waits for the requests that are under way although nobody waits for their responses
  // any more. What was begun inside is not undone by hanging up.
  Task<void> Finish();

  // Gives up on what has taken too long.
  void Expire(H2Session::Time now);
  // Begins no further request; ends the connection once those under way are answered.
  void Drain();

 private:
  static Task<void> Serve(Http2Connection* self, H2Session::Incoming incoming);
  static Task<void> Flush(Http2Connection* self);
  void Pump();

  TlsStream& stream_;
  Api& api_;
  H2Session session_;
  std::string output_;
  int running_ = 0;       // Requests.
  bool writing_ = false;  // Flush is under way.
  bool broken_ = false;   // Nothing is written any more.
  async::Bell changed_;   // running_, writing_ or broken_.
};

}  // namespace florin::gateway
