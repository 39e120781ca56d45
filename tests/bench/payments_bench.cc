// Load for tests/bench/run payments: whole payments through HTTPS, each with a new idempotency key.
//
//   payments_bench --prepare=FILE --users=64 --url=… --ca=…          registers users with funded
//   accounts payments_bench --with=FILE --connections=64 --seconds=10 …      pays between them,
//   prints one JSON object
//
// A closed loop: every connection sends its next payment when the answer to the last one has come.
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "libs/async/task.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"
#include "tests/e2e/https_client.h"

ABSL_FLAG(std::string, url, "https://localhost:8443", "The gateway.");
ABSL_FLAG(std::string, ca, "", "File with the CA of the gateway's certificate.");
ABSL_FLAG(std::string, prepare, "",
          "Register users and write their tokens and accounts to this file.");
ABSL_FLAG(std::string, with, "", "Pay as the users of this file.");
ABSL_FLAG(int, users, 64, "Users to register.");
ABSL_FLAG(int, connections, 64, "Connections that pay at once.");
ABSL_FLAG(double, seconds, 10, "How long to pay.");

namespace florin::bench {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Seconds = std::chrono::duration<double>;
using Time = std::chrono::steady_clock::time_point;

struct Payer {
  std::string token;
  std::string account;
};

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "payments_bench: " << message << std::endl;
  std::exit(1);
}

std::string FreshKey() { return SystemIds().NewId().ToString(); }

// One call that must succeed; gives a member of the answer.
std::string CallFor(e2e::HttpsClient& client, const std::string& token, const std::string& path,
                    const boost::json::object& body, const char* member) {
  e2e::HttpsRequest request = {"POST", path, {}, boost::json::serialize(body)};
  request.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", FreshKey()}};
  if (!token.empty()) request.headers.emplace_back("Authorization", absl::StrCat("Bearer ", token));
  const absl::StatusOr<e2e::HttpsResponse> response = client.Send(request);
  if (!response.ok()) Fail(response.status().ToString());
  if (response->status != 200) Fail(absl::StrCat(path, ": ", response->body));
  boost::json::error_code error;
  const boost::json::value answer = boost::json::parse(response->body, error);
  const boost::json::value* value = error ? nullptr : answer.as_object().if_contains(member);
  if (value == nullptr) Fail(absl::StrCat(path, ": no ", member, " in ", response->body));
  return std::string(value->as_string());
}

void Prepare() {
  e2e::HttpsClient client(absl::GetFlag(FLAGS_url), absl::GetFlag(FLAGS_ca));
  std::ofstream file(absl::GetFlag(FLAGS_prepare));
  for (int i = 0; i < absl::GetFlag(FLAGS_users); ++i) {
    const boost::json::object credentials = {{"email", absl::StrCat(FreshKey(), "@example.com")},
                                             {"password", FreshKey()}};
    CallFor(client, "", "/v1/users", credentials, "user_id");
    const std::string token = CallFor(client, "", "/v1/login", credentials, "access_token");
    const boost::json::object customer = {{"display_name", "Payer"}};
    const std::string customer_id =
        CallFor(client, token, "/v1/customers", customer, "customer_id");
    const boost::json::object opening = {{"customer_id", customer_id}, {"currency", "EUR"}};
    const std::string account = CallFor(client, token, "/v1/accounts", opening, "account_id");
    const boost::json::object deposit = {
        {"destination_account_id", account},
        {"amount", {{"currency", "EUR"}, {"minor_units", "1000000000000"}}}};
    CallFor(client, token, "/v1/deposits", deposit, "payment_id");
    file << token << " " << account << "\n";
  }
}

std::vector<Payer> ReadPayers() {
  std::ifstream file(absl::GetFlag(FLAGS_with));
  std::vector<Payer> payers;
  for (Payer payer; file >> payer.token >> payer.account;) payers.push_back(payer);
  if (payers.size() < 2) Fail("no users in the file; see --prepare");
  return payers;
}

struct Results {
  std::vector<double> milliseconds;  // Of each succeeded payment.
  int refused = 0;
  std::string first_refusal;
};

// What all connections share. One thread, so nothing is locked.
struct Bench {
  asio::io_context context{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  tcp::resolver::results_type endpoints;
  std::string host;
  std::vector<Payer> payers;
  Time end;
  Results results;
};

using Socket = asio::basic_stream_socket<tcp, Executor>;
using Stream = asio::ssl::stream<Socket>;

std::string PaymentRequest(const Bench& bench, const Payer& source, const Payer& destination,
                           std::uint64_t minor_units) {
  const std::string body = absl::StrCat(R"({"source_account_id": ")", source.account,
                                        R"(", "destination_account_id": ")", destination.account,
                                        R"(", "amount": {"currency": "EUR", "minor_units": ")",
                                        minor_units, R"("}, "reference": "Coffee"})");
  return absl::StrCat("POST /v1/payments HTTP/1.1\r\nHost: ", bench.host,
                      "\r\nAuthorization: Bearer ", source.token,
                      "\r\nContent-Type: application/json\r\nIdempotency-Key: ", FreshKey(),
                      "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

// Sends one payment and reads its answer. Gives false once the connection has failed.
Task<bool> PayOnce(Bench& bench, Stream& stream, beast::flat_buffer& buffer, std::string request) {
  const Time start = std::chrono::steady_clock::now();
  auto [write_error, written] =
      co_await asio::async_write(stream, asio::buffer(request), asio::as_tuple(use_task));
  http::response<http::string_body> response;
  auto [read_error, read] =
      co_await http::async_read(stream, buffer, response, asio::as_tuple(use_task));
  if (write_error || read_error) {
    ++bench.results.refused;
    bench.results.first_refusal = (write_error ? write_error : read_error).message();
    co_return false;
  }
  if (response.result_int() == 200) {
    const Seconds taken = std::chrono::steady_clock::now() - start;
    bench.results.milliseconds.push_back(taken.count() * 1000);
  } else if (bench.results.refused++ == 0) {
    bench.results.first_refusal = response.body();
  }
  co_return true;
}

Task<void> PayUntilTheEnd(Bench& bench, std::size_t connection) {
  std::mt19937_64 random(connection);
  Stream stream(Socket(bench.context.get_executor()), bench.tls);
  co_await asio::async_connect(stream.next_layer(), bench.endpoints, use_task);
  stream.next_layer().set_option(tcp::no_delay(true));
  SSL_set_tlsext_host_name(stream.native_handle(), "localhost");
  co_await stream.async_handshake(asio::ssl::stream_base::client, use_task);
  beast::flat_buffer buffer;
  const std::size_t count = bench.payers.size();
  bool alive = true;
  while (alive && std::chrono::steady_clock::now() < bench.end) {
    const std::size_t source = random() % count;
    const std::size_t destination = (source + 1 + random() % (count - 1)) % count;
    std::string request =
        PaymentRequest(bench, bench.payers[source], bench.payers[destination], 1 + random() % 1000);
    alive = co_await PayOnce(bench, stream, buffer, std::move(request));
  }
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Pay() {
  Bench bench;
  bench.tls.set_verify_mode(asio::ssl::verify_peer);
  bench.tls.load_verify_file(absl::GetFlag(FLAGS_ca));
  bench.payers = ReadPayers();
  const std::string url = absl::GetFlag(FLAGS_url);
  bench.host = url.substr(url.find("//") + 2);
  const std::pair<std::string, std::string> host_port = absl::StrSplit(bench.host, ':');
  bench.endpoints = tcp::resolver(bench.context).resolve(host_port.first, host_port.second);
  const Time start = std::chrono::steady_clock::now();
  bench.end = start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          Seconds(absl::GetFlag(FLAGS_seconds)));
  for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i)
    asio::co_spawn(bench.context, PayUntilTheEnd(bench, static_cast<std::size_t>(i)),
                   [](std::exception_ptr failed) {
                     if (failed) Fail("a connection could not be made");
                   });
  bench.context.run();
  const double elapsed = Seconds(std::chrono::steady_clock::now() - start).count();

  std::vector<double>& sorted = bench.results.milliseconds;
  if (sorted.empty()) Fail(absl::StrCat("no payment succeeded: ", bench.results.first_refusal));
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  };
  std::cout << absl::StrFormat(
                   R"({"connections": %d, "payments": %d, "refused": %d, "per_second": %.0f, )"
                   R"("p50_ms": %.2f, "p90_ms": %.2f, "p99_ms": %.2f, "p999_ms": %.2f, )"
                   R"("max_ms": %.2f, "seconds": %.2f, "client_cpu_percent": %.0f})",
                   absl::GetFlag(FLAGS_connections), sorted.size(), bench.results.refused,
                   static_cast<double>(sorted.size()) / elapsed, at(0.5), at(0.9), at(0.99),
                   at(0.999), sorted.back(), elapsed, 100 * CpuSeconds() / elapsed)
            << std::endl;
  if (bench.results.refused > 0) Fail(absl::StrCat("refused: ", bench.results.first_refusal));
}

}  // namespace
}  // namespace florin::bench

int main(int argc, char** argv) {
  florin::config::ParseFlags(argc, argv, "Load of payments through HTTPS; see tests/bench/run.");
  if (!absl::GetFlag(FLAGS_prepare).empty())
    florin::bench::Prepare();
  else
    florin::bench::Pay();
}
