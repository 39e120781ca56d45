// One client's connection: TLS, then requests one after the other.
//
// Requests of a pipeline are served in order, one at a time; what has not been served waits in the
// socket, so that at most kReadBufferBytes are held here. Each step has a deadline; one timer for
// each thread looks at them all (CloseIfDue), which spares a timer operation for each read and
// write.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/intrusive/list.hpp>

#include "libs/async/task.h"
#include "libs/status/status.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/request_parser.h"

namespace florin::gateway {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

// Belongs to the thread of its socket's executor. Leaves its list when destroyed.
class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The references outlive this. Once `draining`, no further request is read.
  Connection(Socket socket, asio::ssl::context& tls, Api& api, const Limits& limits,
             const bool& draining);

  // Serves until the connection ends.
  Task<void> Run();

  // Breaks off the step under way if its deadline has passed.
  void CloseIfDue(Time now);
  // Ends the connection if it waits for a request.
  void CloseIfIdle();

 private:
  Task<bool> ServeRequest();
  Task<absl::Status> ReadRequest();
  Task<absl::Status> ReadHead();
  Task<absl::Status> ReadBody();
  Task<absl::Status> Fill();
  Task<bool> Write(std::string_view bytes);
  Task<void> Close();

  void Arm(absl::Duration limit);
  void Disarm() { deadline_ = Time::max(); }
  std::string_view Buffered() const;

  asio::ssl::stream<Socket> stream_;
  Api& api_;
  const Limits& limits_;
  const bool& draining_;
  std::string client_address_;
  boost::beast::flat_static_buffer<kReadBufferBytes> buffer_;
  std::optional<RequestParser> parser_;
  Time deadline_ = Time::max();
  bool timed_out_ = false;  // The step that failed did so because of its deadline.
  bool idle_ = true;        // Nothing of a next request has arrived.
  bool first_ = true;       // No request has been served yet.
};

using Connections = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

}  // namespace florin::gateway
