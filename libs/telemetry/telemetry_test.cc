#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "libs/telemetry/admin_server.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/trace_context.h"

namespace florin::telemetry {
namespace {

std::string Get(int port, const std::string& path) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(port)});
  asio::write(socket, asio::buffer("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  std::string answer;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(answer), end);
  return answer;
}

Task<absl::Status> Answer(const absl::Status* status) { co_return *status; }

TEST(TraceContextTest, AnIdIsThatOfAValidTraceparent) {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(TraceIdOf("00-" + id + "-00f067aa0ba902b7-01"), id);
  // What came later than this version is read as far as this one goes.
  EXPECT_EQ(TraceIdOf("cc-" + id + "-00f067aa0ba902b7-01-more"), id);
  const std::string zero(32, '0');
  for (const std::string& malformed :
       {std::string(), id, "00-" + id, "00-" + id + "-00f067aa0ba902b7-0",
        "ff-" + id + "-00f067aa0ba902b7-01", "00-" + zero + "-00f067aa0ba902b7-01",
        "00-" + id + "-0000000000000000-01", "00-" + id + "-00f067aa0ba902b7-01-more",
        "00_" + id + "-00f067aa0ba902b7-01", "00-" + id + "-00f067aa0ba902b7-0g",
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")}) {
    EXPECT_EQ(TraceIdOf(malformed), "") << malformed;
  }
}

TEST(AdminServer, TellsLifeReadinessAndMetrics) {
  async::Runtime runtime(1);
  absl::Status database = Error(Reason::kUnavailable, "down");
  const auto server = AdminServer::Start(runtime.executor(), "127.0.0.1:0",
                                         {{"database", [&database] { return Answer(&database); }}});
  ASSERT_THAT(server, IsOk());
  const int port = (*server)->port();
  Count("florin_test_total", {{"kind", "x"}});
  EXPECT_THAT(Get(port, "/livez"), ::testing::HasSubstr("200 OK"));
  EXPECT_THAT(Get(port, "/readyz"), ::testing::AllOf(::testing::HasSubstr("503"),
                                                     ::testing::HasSubstr("database: down")));
  database = absl::OkStatus();
  EXPECT_THAT(Get(port, "/readyz"), ::testing::HasSubstr("200 OK"));
  EXPECT_THAT(Get(port, "/metrics"), ::testing::HasSubstr("florin_test_total{kind=\"x\"} 1"));
  (*server)->SetDraining();
  EXPECT_THAT(Get(port, "/readyz"), ::testing::HasSubstr("503"));
  EXPECT_THAT(Get(port, "/nothing"), ::testing::HasSubstr("404"));
}

TEST(Log, StaysOneLineWhateverTheValue) {
  ::testing::internal::CaptureStderr();
  Log(Severity::kWarning, "odd \"input\"", {{"name", "a\r\n{\x1b[31m\xff"}},
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, ::testing::HasSubstr("odd \\\"input\\\""));
  EXPECT_THAT(line, ::testing::HasSubstr("a\\u000d\\u000a{\\u001b[31m\\u00ff"));
  EXPECT_THAT(line, ::testing::HasSubstr("\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\""));
}

}  // namespace
}  // namespace florin::telemetry
