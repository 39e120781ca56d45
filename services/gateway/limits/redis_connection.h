// A connection to Redis that never makes its caller wait for long: what cannot be answered within
// the budget is refused, and while Redis is away it is refused at once. Commands of one thread
// share the connection as a pipeline. hiredis writes and reads the protocol (RESP2), Asio has the
// socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::gateway {

// What Redis answered. An error of Redis is a Status; a list may hold lists.
struct RedisReply {
  std::variant<std::monostate, std::int64_t, std::string, std::vector<RedisReply>> value;
  bool is_error = false;  // `value` is its text: "NOSCRIPT No matching script."
};

using RedisEndpoint = boost::asio::generic::stream_protocol::endpoint;

// "/run/redis.sock" (a Unix socket: it begins with a slash), or "host:port", which is resolved at
// once. Error: kInternal; an address is configuration.
absl::StatusOr<RedisEndpoint> ParseRedisAddress(const std::string& address);

struct RedisOptions {
  // For one command, from the call to its answer.
  absl::Duration budget = absl::Milliseconds(5);
  // Between attempts to connect.
  absl::Duration retry_interval = absl::Milliseconds(250);
  // For an attempt, also the first answer on it.
  absl::Duration connect_budget = absl::Seconds(1);
  // Commands in a row whose answer is late before the connection is given up.
  int late_answers = 10;
};

// Belongs to the thread that runs `executor`. Connects by itself, and again whenever the connection
// ends. May be destroyed at any time between two handlers of its thread.
class RedisConnection {
 public:
  using Args = std::vector<std::string_view>;

  RedisConnection(Executor executor, RedisEndpoint endpoint, const RedisOptions& options);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;

  // Sends a command and gives its answer. `args` are read before the task first waits. Error:
  // kUnavailable: there is no connection, or no answer within the budget; the command may have
  // taken effect all the same.
  Task<absl::StatusOr<RedisReply>> Call(Args args);

  // Whether commands are sent at all.
  bool connected() const;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace florin::gateway
