#include "libs/telemetry/admin_server.h"

#include <atomic>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "libs/telemetry/metrics.h"

namespace florin::telemetry {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Stream = beast::basic_stream<asio::ip::tcp, Executor>;

constexpr auto kTimeout = std::chrono::seconds(5);

}  // namespace

class AdminServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Executor executor, std::vector<Check> checks)
      : executor_(executor), acceptor_(executor), checks_(std::move(checks)) {}

  absl::Status Listen(const std::string& listen) {
    const std::size_t colon = listen.rfind(':');
    if (colon == std::string::npos)
      return Error(Reason::kInternal, "expected host:port, got " + listen);
    boost::system::error_code error;
    const auto address = asio::ip::make_address(listen.substr(0, colon), error);
    if (error) return Error(Reason::kInternal, "expected an IP address in " + listen);
    const asio::ip::tcp::endpoint endpoint(
        address, static_cast<unsigned short>(std::stoi(listen.substr(colon + 1))));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return Error(Reason::kInternal, "cannot listen on " + listen + ": " + error.message());
    port_ = acceptor_.local_endpoint().port();
    return absl::OkStatus();
  }

  void Start() { asio::co_spawn(executor_, Accept(shared_from_this()), asio::detached); }
  void Stop() {
    asio::post(executor_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
    });
  }
  void SetDraining() { draining_ = true; }
  int port() const { return port_; }

 private:
  static Task<void> Accept(std::shared_ptr<Impl> self) {
    while (true) {
      boost::system::error_code error;
      auto socket = co_await self->acceptor_.async_accept(self->executor_,
                                                          asio::redirect_error(use_task, error));
      if (error == asio::error::operation_aborted || !self->acceptor_.is_open()) co_return;
      if (error) continue;
      asio::co_spawn(self->executor_, Answer(self, Stream(std::move(socket))), asio::detached);
    }
  }

  static Task<void> Answer(std::shared_ptr<Impl> self, Stream stream) {
    boost::system::error_code error;
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    stream.expires_after(kTimeout);
    co_await http::async_read(stream, buffer, request, asio::redirect_error(use_task, error));
    if (error) co_return;
    http::response<http::string_body> response;
    response.version(11);
    response.set(http::field::content_type, "text/plain; version=0.0.4");
    response.set(http::field::connection, "close");
    const std::string path(request.target());
    co_await Fill(self.get(), path, &response);
    response.prepare_payload();
    stream.expires_after(kTimeout);
    co_await http::async_write(stream, response, asio::redirect_error(use_task, error));
    stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, error);
  }

  static Task<void> Fill(Impl* self, std::string path,
                         http::response<http::string_body>* response) {
    response->result(http::status::ok);
    if (path == "/livez") {
      response->body() = "ok\n";
    } else if (path == "/metrics") {
      response->body() = RenderMetrics();
    } else if (path == "/readyz") {
      response->body() = co_await Failures(self);
      if (!response->body().empty()) response->result(http::status::service_unavailable);
      if (response->body().empty()) response->body() = "ok\n";
    } else {
      response->result(http::status::not_found);
      response->body() = "see /livez, /readyz, /metrics\n";
    }
  }

  static Task<std::string> Failures(Impl* self) {
    std::string failures;
    if (self->draining_) failures += "draining\n";
    for (const auto& [name, check] : self->checks_) {
      const absl::Status status = co_await check();
      if (!status.ok()) failures += name + ": " + std::string(status.message()) + "\n";
    }
    co_return failures;
  }

  const Executor executor_;
  Acceptor acceptor_;
  const std::vector<Check> checks_;
  std::atomic<bool> draining_ = false;
  int port_ = 0;
};

AdminServer::AdminServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() { impl_->Stop(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(Executor executor,
                                                                const std::string& listen,
                                                                std::vector<Check> checks) {
  auto impl = std::make_shared<Impl>(executor, std::move(checks));
  FLORIN_RETURN_IF_ERROR(impl->Listen(listen));
  impl->Start();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

int AdminServer::port() const { return impl_->port(); }
void AdminServer::SetDraining() { impl_->SetDraining(); }

}  // namespace florin::telemetry
