// The server's end of a streaming method: what its handler writes to.
//
//   Task<absl::Status> LedgerRpc::Watch(rpc::Call& call, const v1::WatchRequest& request,
//                                       rpc::Stream<v1::Event>& out) {
//     while (true) {
//       for (const v1::Event& event : news.Take()) {
//         FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(event));
//       }
//       FLORIN_CO_RETURN_IF_ERROR(co_await call.Wait(absl::Seconds(1)));
//     }
//   }
//
// What the handler returns ends the stream and reaches the client with its reason, unless the call
// was canceled before (context.h).
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::rpc {

// A stream of messages as bytes. server_stream.cc has the real one.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Task<absl::Status> Write(std::string message) = 0;
};

// Belongs to the handler's Task, like its Call.
template <class Response>
class Stream {
 public:
  explicit Stream(ByteStream& bytes) : bytes_(bytes) {}

  // Sends a message. Resumes when gRPC has taken it, which it does while at most some ten kilobytes
  // wait for the client: awaiting it is the flow control, so one write at a time (a broken promise
  // otherwise). OK does not mean that the client has it. Errors: what canceled the call, see
  // Call::cancel_status(); nothing more can be sent then.
  Task<absl::Status> Write(const Response& response) {
    return bytes_.Write(response.SerializeAsString());
  }

 private:
  ByteStream& bytes_;
};

}  // namespace florin::rpc
