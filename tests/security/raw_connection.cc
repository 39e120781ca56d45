#include "tests/security/raw_connection.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace florin::security {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kPatience = std::chrono::seconds(20);

// Host and port of an https URL.
std::pair<std::string, std::string> HostAndPort(const std::string& url) {
  absl::string_view rest = url;
  absl::ConsumePrefix(&rest, "https://");
  return absl::StrSplit(rest, ':');
}

}  // namespace

class RawConnection::Impl {
 public:
  explicit Impl(const e2e::Stack& stack) : stream_(context_, tls_) {
    const auto [host, port] = HostAndPort(stack.Variable("FLORIN_URL"));
    tls_.load_verify_file(stack.Variable("FLORIN_CA"));
    stream_.set_verify_mode(asio::ssl::verify_peer);
    stream_.set_verify_callback(asio::ssl::host_name_verification(host));
    asio::connect(stream_.lowest_layer(), tcp::resolver(context_).resolve(host, port));
    stream_.lowest_layer().set_option(tcp::no_delay(true));
    stream_.handshake(asio::ssl::stream_base::client);
  }

  void Send(std::string_view bytes) {
    error_code refused;
    asio::write(stream_, asio::buffer(bytes), refused);
  }

  // Whether there was more; false at the connection's end.
  bool ReadSome(std::string& text) {
    char bytes[4096];
    std::size_t size = 0;
    bool timed_out = false;
    asio::steady_timer timer(context_, kPatience);
    timer.async_wait([&](const error_code& canceled) {
      if (canceled) return;
      timed_out = true;
      error_code ignored;
      stream_.lowest_layer().cancel(ignored);
    });
    stream_.async_read_some(asio::buffer(bytes), [&](const error_code&, std::size_t read) {
      size = read;
      timer.cancel();
    });
    context_.restart();
    context_.run();
    EXPECT_FALSE(timed_out) << "the gateway left the connection open after:\n" << text;
    text.append(bytes, size);
    return size > 0;
  }

 private:
  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::ssl::stream<tcp::socket> stream_;
};

RawConnection::RawConnection(const e2e::Stack& stack) : impl_(std::make_unique<Impl>(stack)) {}
RawConnection::~RawConnection() = default;

void RawConnection::Send(std::string_view bytes) { impl_->Send(bytes); }

std::string RawConnection::ReadToEnd() {
  std::string text;
  while (impl_->ReadSome(text)) {
  }
  return text;
}

std::string RawConnection::ReadResponses(int count) {
  std::string text;
  while (static_cast<int>(Statuses(text).size()) < count && impl_->ReadSome(text)) {
  }
  return text;
}

std::vector<int> Statuses(const std::string& text) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  std::vector<int> statuses;
  for (std::size_t at = text.find(kStart); at != std::string::npos;
       at = text.find(kStart, at + 1)) {
    const std::string status = text.substr(at + kStart.size(), 3);
    // An answer may speak of HTTP/1.1, too.
    if (status.find_first_not_of("0123456789") == std::string::npos)
      statuses.push_back(std::stoi(status));
  }
  return statuses;
}

std::vector<int> SendRaw(const std::string& request) {
  RawConnection connection(e2e::SharedStack());
  connection.Send(request);
  return Statuses(connection.ReadToEnd());
}

}  // namespace florin::security
