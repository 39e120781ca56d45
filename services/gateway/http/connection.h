// One client's connection: TLS, then the protocol that was agreed on.
#pragma once

#include <chrono>
#include <optional>

#include <boost/asio/ssl/context.hpp>
#include <boost/intrusive/list.hpp>

#include "libs/async/task.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/http1_connection.h"
#include "services/gateway/http/http2_connection.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/http/tls_stream.h"

namespace florin::gateway {

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

  // Breaks off the steps under way whose deadlines have passed.
  void CloseIfDue(Time now);
  // Ends the connection as soon as no request is under way.
  void StartDraining();

 private:
  TlsStream stream_;
  Api& api_;
  const Limits& limits_;
  const bool& draining_;
  bool closing_ = false;
  std::optional<Http1Connection> http1_;  // One of them, after the handshake.
  std::optional<Http2Connection> http2_;
};

using Connections = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

}  // namespace florin::gateway
