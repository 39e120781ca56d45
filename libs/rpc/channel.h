// The client side: the one adaptor through which every internal call travels (stock unary gRPC for
// now; DESIGN section 2 has the multiplexed transport that will come behind the same interface).
//
//   rpc::Channel channel(executor, options);    // options.service = "ledger", …
//   ledger::v1::LedgerClient ledger(&channel);  // generated
//   const auto accounts = co_await ledger.GetAccounts(call.AsService(), request);
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "libs/rpc/credentials.h"
#include "libs/status/status.h"

namespace florin::rpc {

struct ChannelOptions {
  std::string target;   // host:port
  std::string service;  // The only identity accepted from the server: spiffe://florin.local/SERVICE
  CertificateFiles certificates;
  absl::Duration default_timeout = absl::Seconds(5);
};

// A reply: its bytes or an error with its reason, and whether the server marked it as replayed
// (errors can be, too).
struct Reply {
  absl::StatusOr<std::string> payload;
  bool replayed = false;
};

// Thread-safe. Connects when first used, reconnects by itself.
class Channel {
 public:
  Channel(Executor executor, ChannelOptions options);
  ~Channel();
  Channel(Channel&&) noexcept;

  // Calls `method` ("/florin.ledger.v1.Ledger/GetAccounts") with a serialized request and resumes
  // on `executor`. Errors: the callee's own with its reason; kUnavailable if it cannot be reached
  // (never sent, or lost on the way: retry only what is idempotent); kDeadlineExceeded.
  Task<Reply> CallBytes(std::string method, Outgoing context, std::string request);

  // The same with messages, for generated clients.
  template <class Response, class Request>
  Task<absl::StatusOr<Response>> Unary(const char* method, Outgoing context,
                                       const Request& request) {
    std::string bytes = request.SerializeAsString();
    return Parse<Response>(CallBytes(method, std::move(context), std::move(bytes)));
  }

  // Whether the server can be reached now; waits at most until `deadline`. For readiness.
  Task<absl::Status> Connect(absl::Time deadline);

 private:
  template <class Response>
  static Task<absl::StatusOr<Response>> Parse(Task<Reply> call) {
    Reply reply = co_await std::move(call);
    if (!reply.payload.ok()) co_return reply.payload.status();
    Response response;
    if (!response.ParseFromString(*reply.payload))
      co_return Error(Reason::kInternal, "the reply is not its protobuf message");
    co_return response;
  }

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::rpc
