#include "services/gateway/http/server.h"

#include <sstream>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include "absl/strings/str_cat.h"
#include "libs/async/runtime.h"
#include "libs/telemetry/metrics.h"
#include "services/gateway/http/connection.h"
#include "services/gateway/http/open_connections.h"
#include "services/gateway/http/tls_source.h"
#include "services/gateway/limits/network.h"

namespace florin::gateway {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

// One thread and what belongs to it. Destroyed from the last member to the first: connections leave
// their list before it goes.
struct Worker {
  Worker(const RouteTable& routes, const BackendFactory& backends, const Limits& limits,
         Clock& clock, IdSource& ids, std::atomic<int>& in_flight)
      : limits(limits),
        runtime(1),
        api(routes, backends(runtime.executor()), limits, clock, ids, in_flight) {}

  static Task<void> Serve(Worker* worker, Socket socket, std::shared_ptr<asio::ssl::context> tls,
                          OpenConnections::Seat /*until the end*/) {
    Connection connection(std::move(socket), *tls, worker->api, worker->limits, worker->draining);
    worker->connections.push_back(connection);
    co_await connection.Run();
  }

  static Task<void> Sweep(Worker* worker) {
    while (true) {
      co_await async::Sleep(worker->limits.sweep_interval);
      const auto now = std::chrono::steady_clock::now();
      for (Connection& connection : worker->connections) connection.CloseIfDue(now);
    }
  }

  void StartDraining() {
    draining = true;
    for (Connection& connection : connections) connection.StartDraining();
  }

  const Limits& limits;
  bool draining = false;
  Connections connections;
  async::Runtime runtime;
  Api api;
};

absl::StatusOr<tcp::endpoint> Resolve(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos)
    return Error(Reason::kInternal, absl::StrCat(listen, " is not host:port"));
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  asio::io_context context;
  error_code ec;
  const auto found = tcp::resolver(context).resolve(
      host, listen.substr(colon + 1), tcp::resolver::passive | tcp::resolver::numeric_service, ec);
  if (ec || found.empty())
    return Error(Reason::kInternal, absl::StrCat(listen, ": ", ec.message()));
  return found.begin()->endpoint();
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, std::unique_ptr<TlsSource> tls, const RouteTable& routes,
       const BackendFactory& backends, Clock& clock, IdSource& ids)
      : limits_(options.limits),
        tls_check_interval_(options.tls_check_interval),
        tls_(std::move(tls)) {
    for (int i = 0; i < options.threads; ++i) {
      workers_.push_back(
          std::make_unique<Worker>(routes, backends, limits_, clock, ids, in_flight_));
    }
  }

  ~Impl() {
    for (const auto& worker : workers_) worker->runtime.Stop();
  }

  absl::Status Listen(const tcp::endpoint& endpoint, ClientCertificates clients) {
    Listener& listener = *listeners_.emplace_back(
        std::make_unique<Listener>(workers_[0]->runtime.executor(), clients));
    Acceptor& acceptor = listener.acceptor;
    error_code ec;
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
      std::ostringstream place;
      place << endpoint;
      return Error(Reason::kInternal,
                   absl::StrCat("cannot listen on ", place.str(), ": ", ec.message()));
    }
    listener.port = acceptor.local_endpoint().port();
    return absl::OkStatus();
  }

  // Serves wherever it listens.
  void Run() {
    for (const auto& worker : workers_) {
      asio::co_spawn(worker->runtime.executor(), Worker::Sweep(worker.get()), asio::detached);
    }
    for (const auto& listener : listeners_) {
      asio::co_spawn(workers_[0]->runtime.executor(), Accept(listener.get()), asio::detached);
    }
    asio::co_spawn(workers_[0]->runtime.executor(), WatchCertificate(), asio::detached);
  }

  int port(ClientCertificates clients) const {
    for (const auto& listener : listeners_) {
      if (listener->clients == clients) return listener->port;
    }
    return 0;
  }

  bool Drain(absl::Duration grace) {
    asio::post(workers_[0]->runtime.executor(), [this] {
      error_code ignored;
      for (const auto& listener : listeners_) listener->acceptor.close(ignored);
    });
    for (const auto& worker : workers_) {
      asio::post(worker->runtime.executor(), [w = worker.get()] { w->StartDraining(); });
    }
    return open_.WaitUntilNone(grace);
  }

 private:
  // On the first worker's thread.
  struct Listener {
    Listener(Executor executor, ClientCertificates clients)
        : acceptor(executor), clients(clients) {}

    Acceptor acceptor;
    const ClientCertificates clients;
    int port = 0;
  };

  Task<void> Accept(Listener* listener) {
    for (std::size_t next = 0; listener->acceptor.is_open(); next = (next + 1) % workers_.size()) {
      Worker& worker = *workers_[next];
      Socket socket(worker.runtime.executor());
      error_code ec;
      co_await listener->acceptor.async_accept(socket, asio::redirect_error(use_task, ec));
      if (ec == asio::error::operation_aborted) co_return;
      if (ec) {
        // Out of descriptors, mostly: the connection stays in the backlog.
        co_await async::Sleep(absl::Milliseconds(50));
        continue;
      }
      const auto peer = socket.remote_endpoint(ec);
      std::optional<OpenConnections::Seat> seat =
          open_.Enter(NetworkOf(ec ? "" : peer.address().to_string()), limits_.connections,
                      limits_.connections_per_network);
      if (!seat) {
        telemetry::Count("florin_http_connections_refused_total");
        continue;
      }
      socket.set_option(tcp::no_delay(true), ec);
      asio::co_spawn(worker.runtime.executor(),
                     Worker::Serve(&worker, std::move(socket), tls_->Current(listener->clients),
                                   *std::move(seat)),
                     asio::detached);
    }
  }

  Task<void> WatchCertificate() {
    while (true) {
      co_await async::Sleep(tls_check_interval_);
      tls_->Reload();
    }
  }

  const Limits limits_;
  const absl::Duration tls_check_interval_;
  const std::unique_ptr<TlsSource> tls_;
  std::atomic<int> in_flight_ = 0;
  OpenConnections open_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const RouteTable& routes,
                                                      const BackendFactory& backends, Clock& clock,
                                                      IdSource& ids) {
  FLORIN_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, Resolve(options.listen));
  tcp::endpoint asking;
  if (!options.mtls_listen.empty()) {
    FLORIN_ASSIGN_OR_RETURN(asking, Resolve(options.mtls_listen));
  }
  const TlsFiles files{.certificate = options.tls_certificate, .key = options.tls_key};
  FLORIN_ASSIGN_OR_RETURN(std::unique_ptr<TlsSource> tls, TlsSource::Open(files, clock));
  auto impl = std::make_unique<Impl>(options, std::move(tls), routes, backends, clock, ids);
  FLORIN_RETURN_IF_ERROR(impl->Listen(endpoint, ClientCertificates::kNone));
  if (!options.mtls_listen.empty()) {
    FLORIN_RETURN_IF_ERROR(impl->Listen(asking, ClientCertificates::kAsked));
  }
  impl->Run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
int Server::port() const { return impl_->port(ClientCertificates::kNone); }
int Server::mtls_port() const { return impl_->port(ClientCertificates::kAsked); }
bool Server::Drain(absl::Duration grace) { return impl_->Drain(grace); }

}  // namespace florin::gateway
