// A client for tests that sends bytes as they are, over real TLS, and reads responses with
// Boost.Beast. Blocking.
#pragma once

#include <openssl/ssl.h>

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "absl/strings/str_cat.h"
#include "libs/async/task.h"

namespace florin::gateway {

using TestResponse = boost::beast::http::response<boost::beast::http::string_body>;

inline std::string Header(const TestResponse& response, const std::string& name) {
  const auto value = response[name];
  return std::string(value.data(), value.size());
}

class TestClient {
 public:
  using Prepare = std::function<void(SSL*)>;

  explicit TestClient(
      int port, const Prepare& prepare = [](SSL*) {})
      : stream_(context_, tls_) {
    stream_.next_layer().connect(
        {asio::ip::address_v4::loopback(), static_cast<unsigned short>(port)});
    prepare(stream_.native_handle());
    stream_.handshake(asio::ssl::stream_base::client, error_);
  }

  // Whether the handshake and every write so far succeeded.
  bool ok() const { return !error_; }
  SSL* native() { return stream_.native_handle(); }

  void Send(std::string_view bytes) {
    if (!error_) asio::write(stream_, asio::buffer(bytes), error_);
  }

  // The next response; nothing if the connection ends before it.
  std::optional<TestResponse> Read(bool head = false) {
    boost::beast::http::response_parser<boost::beast::http::string_body> parser;
    parser.skip(head);
    boost::system::error_code error;
    boost::beast::http::read(stream_, buffer_, parser, error);
    if (error) return std::nullopt;
    return parser.release();
  }

  // Reads `size` bytes as they are.
  std::string ReadBytes(std::size_t size) {
    std::string bytes(size, '\0');
    boost::system::error_code error;
    bytes.resize(asio::read(stream_, asio::buffer(bytes), error));
    return bytes;
  }

  // Reads what is there, at least a byte; nothing if the connection has ended.
  std::string ReadSome() {
    std::string bytes(16 * 1024, '\0');
    boost::system::error_code error;
    bytes.resize(stream_.read_some(asio::buffer(bytes), error));
    return bytes;
  }

  // Whether the server ends the connection, in TLS's own way, without another byte.
  bool EndsCleanly() {
    char byte;
    boost::system::error_code error;
    const std::size_t size = stream_.read_some(asio::buffer(&byte, 1), error);
    return size == 0 && buffer_.size() == 0 && error == asio::error::eof;
  }

  void HangUp() { stream_.next_layer().close(); }

 private:
  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
  boost::beast::flat_buffer buffer_;
  boost::system::error_code error_;
};

}  // namespace florin::gateway
