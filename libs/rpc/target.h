// One server of those that a channel may call.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/rpc/call_stream_client.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/client_stream.h"
#include "libs/rpc/context.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Thread-safe. Outlives its unary calls.
class Target {
 public:
  // `open` counts what gRPC works on beyond unary calls: who waits for it may then let the target
  // go.
  // `share_stream`: unary calls go on one stream together, if the server knows how.
  Target(Executor executor, std::shared_ptr<grpc::Channel> channel,
         std::shared_ptr<OpenStreams> open, bool share_stream);
  // Breaks off Revive(), Probe() and the stream of the calls.
  ~Target();

  Task<Reply> Unary(std::string method, const Outgoing& context, std::string request,
                    absl::Time deadline);
  std::shared_ptr<StreamCall> StartStream(const std::string& method, const Outgoing& context,
                                          const std::string& request);

  // Whether it can be reached: it is connected, or answers a health check by `until`.
  Task<absl::Status> Reach(absl::Time until);
  // Whether it answers a health check by `until`.
  Task<absl::Status> CheckHealth(absl::Time until);
  // Whether it answers a health check by `until`; kUnavailable when the target goes, which it may
  // meanwhile.
  static Task<absl::Status> Probe(std::shared_ptr<Target> target, absl::Time until);
  // Takes the calls that come to other streams than those under way. For when another target takes
  // its place: calls that it has are answered.
  void Retire();
  // Tries to connect for a while in the background: gRPC drives a connection only while a call
  // waits for it. Does nothing if that is going on already.
  void Revive();

 private:
  struct Pending;
  Task<Reply> UnaryAlone(std::string method, const Outgoing& context, std::string request,
                         absl::Time deadline);
  // The stream that takes calls now, made anew if there is none; null if calls are made alone.
  std::shared_ptr<CallStream> StreamForCalls();
  template <class Handler>
  void StartProbe(absl::Time until, Handler handler);
  template <class Handler>
  void Start(const std::string& method, const Outgoing& context, const std::string& request,
             absl::Time deadline, Handler handler);

  const Executor executor_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  const std::shared_ptr<OpenStreams> open_;
  const bool share_stream_;
  std::mutex mutex_;
  std::weak_ptr<Pending> revival_;                 // Guarded by mutex_.
  std::weak_ptr<Pending> probe_;                   // Guarded by mutex_.
  std::shared_ptr<CallStream> calls_;              // Guarded by mutex_.
  absl::Time alone_until_ = absl::InfinitePast();  // Guarded by mutex_.
};

}  // namespace florin::rpc
