// The client's end of a stream that carries unary calls
// (proto/florin/transport/v1/envelopes.proto).
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/client_stream.h"
#include "libs/rpc/context.h"

namespace florin::transport::v1 {
class RequestEnvelope;
}

namespace florin::rpc {

// One stream: gRPC's reactor. Alive as long as gRPC or a call refers to it. Thread-safe.
class CallStream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public std::enable_shared_from_this<CallStream> {
 public:
  // How a call on it ended; nothing if it was not made, and has to be made otherwise: the stream
  // takes no more, or the server does not know of such streams.
  using Ended = std::optional<Reply>;

  CallStream(Executor executor, std::shared_ptr<OpenStreams> open);
  ~CallStream() override;

  static std::shared_ptr<CallStream> Start(Executor executor, std::shared_ptr<OpenStreams> open,
                                           grpc::ChannelInterface& channel);

  // Whether calls can be made on it.
  bool open() const;
  // Whether the server answered that it has no such method.
  bool unknown_to_server() const;

  // Makes a call, in one message with others that wait. Resumes on the executor, at `deadline` at
  // the latest (kDeadlineExceeded). Errors as those of Channel::CallBytes.
  Task<Ended> Call(std::string method, const Outgoing* context, std::string request,
                   absl::Time deadline);

  // Takes no more calls; ends once those that it has are answered.
  void Retire();
  // Breaks it off.
  void Abandon();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  using Envelope = transport::v1::RequestEnvelope;
  using Complete = std::function<void(Ended)>;
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  struct UnderWay {
    Complete complete;
    absl::Time deadline;
  };

  void Submit(std::unique_ptr<Envelope> envelope, absl::Time deadline, Complete complete);
  void TakeReplies();
  void WriteSoon();
  void Write();
  void Written(bool ok);
  void EndWriting();
  void NoMoreReplies();
  void End(const grpc::Status& status);
  void WakeAt(absl::Time deadline);
  void Expire();

  const Executor executor_;
  const std::shared_ptr<OpenStreams> open_streams_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::map<std::uint64_t, UnderWay> calls_;
  std::set<std::pair<absl::Time, std::uint64_t>> deadlines_;  // Of calls_.
  std::vector<std::unique_ptr<Envelope>> waiting_;            // To be sent.
  std::uint64_t next_id_ = 1;
  bool open_ = true;
  bool unknown_to_server_ = false;
  bool answered_ = false;  // Something came from the server.
  bool held_ = true;       // OnDone() waits.
  bool writing_ = false;
  bool write_planned_ = false;
  bool writes_ended_ = false;
  Timer timer_;
  absl::Time wakes_at_ = absl::InfiniteFuture();
  std::shared_ptr<CallStream> self_;  // gRPC's reference.
};

}  // namespace florin::rpc
