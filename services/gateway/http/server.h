// The HTTPS server: a listener that deals connections out to threads, each with its own io_context,
// channels and connections, so that a request never changes its thread.
#pragma once

#include <memory>
#include <string>

#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/gateway/http/api.h"
#include "services/gateway/http/limits.h"
#include "services/gateway/transcode/route_table.h"

namespace florin::gateway {

struct ServerOptions {
  std::string listen;  // host:port; port 0 chooses a free one.
  // The same, where clients are asked for a certificate (tls.h); empty: nowhere. Another place than
  // `listen`, so that no browser asks its user for one (RFC 8705 section 5).
  std::string mtls_listen = {};
  std::string tls_certificate;
  std::string tls_key;
  // How often these two are looked at: a new pair is served without a restart (tls_source.h).
  absl::Duration tls_check_interval = absl::Seconds(5);
  int threads = 1;
  Limits limits;
};

class Server {
 public:
  // Serves `routes` until destroyed. The references outlive the server.
  // Error: kInternal; the address cannot be listened on, the certificate or its key cannot be used.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const RouteTable& routes,
                                                       const BackendFactory& backends, Clock& clock,
                                                       IdSource& ids);
  ~Server();

  int port() const;
  int mtls_port() const;  // 0 without mtls_listen.

  // Stops accepting, closes idle connections, lets running requests finish, each with `Connection:
  // close` or after a GOAWAY. Blocks until all connections have ended or `grace` is over; says
  // which. Idempotent.
  bool Drain(absl::Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::gateway
