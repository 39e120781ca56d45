// The client's end of a streaming call.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/async/task.h"
#include "libs/rpc/cancellation.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Counts the streams of a channel that gRPC still works for, so that the channel can wait for them
// before it goes. Thread-safe.
class OpenStreams {
 public:
  void Enter();
  void Leave();
  void WaitForAll();

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  int count_ = 0;  // Guarded by mutex_.
};

// One call: gRPC's reactor. Alive as long as either gRPC or its Task refers to it. Next() and End()
// belong to one Task; the rest is thread-safe.
class StreamCall : public grpc::ClientReadReactor<grpc::ByteBuffer> {
 public:
  StreamCall(Executor executor, std::shared_ptr<OpenStreams> open);

  // To be filled in before Start().
  grpc::ClientContext& context() { return context_; }
  static void Start(const std::shared_ptr<StreamCall>& call, grpc::ChannelInterface& channel,
                    const std::string& method, const std::string& request);

  // The next message; nothing once there is none. Asks gRPC for it only now: while nobody asks, the
  // server is held back.
  Task<std::optional<std::string>> Next();
  // How it ended. Read to the end or Cancel() before.
  Task<grpc::Status> End();

  void Cancel() { context_.TryCancel(); }
  // Cancels, and lets go of what gRPC has even if the Task never runs again.
  void Abandon();

  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  template <class Handler>
  void StartNext(Handler handler);
  template <class Handler>
  void StartEnd(Handler handler);

  const Executor executor_;
  const std::shared_ptr<OpenStreams> open_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;                         // Being read.
  std::function<void(bool)> read_;                   // Who waits for it.
  std::mutex mutex_;                                 // Guards what follows.
  bool held_ = true;                                 // OnDone() waits while nobody reads.
  std::optional<grpc::Status> end_;                  // Once OnDone() has come.
  std::function<void(const grpc::Status&)> on_end_;  // Who waits for it.
  std::shared_ptr<StreamCall> self_;                 // gRPC's reference.
};

// Gives every message of a started call to `each`, and then the call's status; see
// Channel::StreamBytes. `gone` says that the channel goes, `cancellation` (or null) that the caller
// wants no more.
Task<absl::Status> Consume(std::shared_ptr<StreamCall> call, std::shared_ptr<Cancellation> gone,
                           std::shared_ptr<Cancellation> cancellation,
                           std::function<Task<absl::Status>(std::string)> each);

}  // namespace florin::rpc
