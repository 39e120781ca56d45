#include "tests/e2e/https_client.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace florin::e2e {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Stream = beast::ssl_stream<beast::tcp_stream>;

absl::Status Failure(const std::string& doing, const error_code& error) {
  return absl::UnavailableError(absl::StrCat(doing, ": ", error.message()));
}

}  // namespace

// Asio's operations are asynchronous here, and run to their end at once, because only those have
// time-outs.
class HttpsClient::Impl {
 public:
  Impl(absl::string_view url, const std::string& ca_file, absl::Duration timeout)
      : timeout_(absl::ToChronoMilliseconds(timeout)) {
    absl::ConsumePrefix(&url, "https://");
    const std::pair<std::string, std::string> host_port = absl::StrSplit(url, ':');
    host_ = host_port.first;
    port_ = host_port.second;
    tls_.set_verify_mode(asio::ssl::verify_peer);
    tls_.load_verify_file(ca_file);
  }

  void Show(const std::string& certificate_file, const std::string& key_file) {
    tls_.use_certificate_chain_file(certificate_file);
    tls_.use_private_key_file(key_file, asio::ssl::context::pem);
    stream_.reset();
  }

  absl::StatusOr<HttpsResponse> Send(const HttpsRequest& request) {
    if (stream_ && HasEnded()) stream_.reset();
    if (!stream_) {
      if (absl::Status connected = Connect(); !connected.ok()) {
        stream_.reset();
        return connected;
      }
    }
    absl::StatusOr<HttpsResponse> response = Exchange(request);
    if (!response.ok()) stream_.reset();
    return response;
  }

 private:
  // Whether the server has closed the connection since the last answer, as it does with one that
  // is idle for long: between answers nothing else arrives.
  bool HasEnded() {
    char next = 0;
    const int socket = beast::get_lowest_layer(*stream_).socket().native_handle();
    return recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }

  // Starts an operation with `start(handler)` and waits for its end.
  template <class Start>
  error_code Complete(Start start) {
    error_code result;
    beast::get_lowest_layer(*stream_).expires_after(timeout_);
    start([&result](error_code error, auto&&...) { result = error; });
    context_.restart();
    context_.run();
    return result;
  }

  absl::Status Connect() {
    stream_.emplace(context_, tls_);
    buffer_.clear();
    error_code error;
    asio::ip::tcp::resolver resolver(context_);
    const auto endpoints = resolver.resolve(host_, port_, error);
    if (error) return Failure("resolve", error);
    error = Complete(
        [&](auto handler) { beast::get_lowest_layer(*stream_).async_connect(endpoints, handler); });
    if (error) return Failure("connect", error);
    beast::get_lowest_layer(*stream_).socket().set_option(asio::ip::tcp::no_delay(true));
    SSL_set_tlsext_host_name(stream_->native_handle(), host_.c_str());
    stream_->set_verify_callback(asio::ssl::host_name_verification(host_));
    error = Complete(
        [&](auto handler) { stream_->async_handshake(asio::ssl::stream_base::client, handler); });
    if (error) return Failure("TLS handshake", error);
    return absl::OkStatus();
  }

  absl::StatusOr<HttpsResponse> Exchange(const HttpsRequest& request) {
    http::request<http::string_body> out(http::string_to_verb(request.method), request.target, 11);
    out.set(http::field::host, absl::StrCat(host_, ":", port_));
    for (const auto& [name, value] : request.headers) out.set(name, value);
    out.body() = request.body;
    out.prepare_payload();
    const error_code written =
        Complete([&](auto handler) { http::async_write(*stream_, out, handler); });
    http::response_parser<http::string_body> parser;
    parser.body_limit(16u << 20);
    const error_code read =
        Complete([&](auto handler) { http::async_read(*stream_, buffer_, parser, handler); });
    if (read) return written ? Failure("write", written) : Failure("read", read);
    HttpsResponse response;
    response.status = parser.get().result_int();
    for (const auto& field : parser.get())
      response.headers[absl::AsciiStrToLower(std::string(field.name_string()))] =
          std::string(field.value());
    response.body = std::move(parser.get().body());
    if (written || !parser.get().keep_alive()) stream_.reset();
    return response;
  }

  std::chrono::milliseconds timeout_;
  std::string host_;
  std::string port_;
  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::optional<Stream> stream_;
  beast::flat_buffer buffer_;
};

HttpsClient::HttpsClient(std::string url, std::string ca_file, absl::Duration timeout)
    : impl_(std::make_unique<Impl>(url, ca_file, timeout)) {}

HttpsClient::~HttpsClient() = default;

void HttpsClient::Show(const std::string& certificate_file, const std::string& key_file) {
  impl_->Show(certificate_file, key_file);
}

absl::StatusOr<HttpsResponse> HttpsClient::Send(const HttpsRequest& request) {
  return impl_->Send(request);
}

}  // namespace florin::e2e
