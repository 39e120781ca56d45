// The client side: the one adaptor through which every internal call travels: unary calls on one
// stream together (docs/adr/0008-calls-share-a-stream.md), streams each on its own.
//
//   rpc::Channel channel(executor, options);    // options.service = "ledger", …
//   ledger::v1::LedgerClient ledger(&channel);  // generated
//   const auto results = co_await ledger.PostTransactions(call.AsService(), request);
//   const absl::Status ended = co_await ledger.Watch(context, request, each);  // a stream
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "libs/rpc/credentials.h"
#include "libs/status/status.h"

namespace florin::rpc {

struct ChannelOptions {
  // host:port, or several of them separated by commas: servers of the same service, each of which
  // must prove it. A call goes to one of them by its Outgoing::route (see Channel).
  std::string target;
  std::string service;  // The only identity accepted from the server: spiffe://florin.local/SERVICE
  CertificateFiles certificates;
  absl::Duration default_timeout = absl::Seconds(5);
  // Whether unary calls go on one stream together: several times cheaper under load. False: each by
  // itself, as other people's clients do it.
  bool share_stream = true;
};

// A reply: its bytes or an error with its reason, and whether the server marked it as replayed
// (errors can be, too).
struct Reply {
  absl::StatusOr<std::string> payload;
  bool replayed = false;
};

// Thread-safe. Connects when first used, reconnects by itself. Must outlive its unary calls;
// streams that are under way when it goes are broken off (kUnavailable).
//
// With several targets, each call goes to the first that can be reached in the order that
// rendezvous hashing (rendezvous.h) gives for its route: calls of one route meet at one server,
// whoever makes them, as long as all list the same targets. Only what was never sent goes on to the
// next target: a call that is lost on the way is kUnavailable, as with one target, and its
// repetition finds the next one. A server that comes back is found within seconds.
//
// A certificate that is rotated (certificate_watch.h) takes over when a server has accepted it: new
// calls go to new connections, those under way end on the old ones, and none fails.
class Channel {
 public:
  Channel(Executor executor, ChannelOptions options);
  ~Channel();
  Channel(Channel&&) noexcept;

  // Calls `method` ("/florin.ledger.v1.Ledger/OpenAccounts") with a serialized request and resumes
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

  // Calls a streaming method and gives each message to `each`, in order and one at a time; resumes
  // on `executor`. While `each` works, the server is soon held back: only what fits gRPC's windows
  // (some hundred kilobytes) travels ahead. Ends with the server's status and reason. Besides:
  //   * an error of `each` cancels the call and is what this gives;
  //   * context.cancellation cancels it, and its reason is what this gives;
  //   * kDeadlineExceeded after context.deadline; there is no default;
  //   * kUnavailable: not reached, lost on the way, or the server drains. Start again, where the
  //     last message left off.
  using EachBytes = std::function<Task<absl::Status>(std::string)>;
  Task<absl::Status> StreamBytes(std::string method, Outgoing context, std::string request,
                                 EachBytes each);

  // The same with messages, for generated clients.
  template <class Response, class Request>
  Task<absl::Status> ServerStream(const char* method, Outgoing context, const Request& request,
                                  std::function<Task<absl::Status>(Response)> each) {
    EachBytes each_bytes = [each = std::move(each)](std::string bytes) {
      return ParseInto<Response>(&each, std::move(bytes));
    };
    return StreamBytes(method, std::move(context), request.SerializeAsString(),
                       std::move(each_bytes));
  }

  // Whether the server (one of several) can be reached now; waits at most until `deadline`. For
  // readiness.
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

  template <class Response>
  static Task<absl::Status> ParseInto(const std::function<Task<absl::Status>(Response)>* each,
                                      std::string bytes) {
    Response response;
    if (!response.ParseFromString(bytes))
      co_return Error(Reason::kInternal, "a message of the stream is not its protobuf message");
    co_return co_await (*each)(std::move(response));
  }

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::rpc
