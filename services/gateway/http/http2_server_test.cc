// HTTP/2 over real TLS and real gRPC inside: what holds for HTTP/1.1 in server_test.cc and
// server_limits_test.cc, and what only HTTP/2 can do.
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/http/h2_flood.h"
#include "services/gateway/http/test_gateway.h"
#include "services/gateway/http/test_h2_client.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint32_t kCalm = NGHTTP2_ENHANCE_YOUR_CALM;

H2Fields PayFields() {
  return H2Post("/v1/payments", {{"authorization", "Bearer all"},
                                 {"content-type", "application/json"},
                                 {"idempotency-key", "k1"}});
}
std::string PayBody(const std::string& reference) {
  return absl::StrCat("{\"reference\":\"", reference, "\"}");
}

class Http2Test : public GatewayTest {};

TEST_F(Http2Test, CarriesARequestThroughAndBack) {
  TestH2Client client(port());
  const H2Response response = client.Ask(PayFields(), PayBody("Zoë"));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("\"reference\":\"Zoë\""));
  EXPECT_EQ(ValueOf(response.fields, "content-type"), "application/json");
  EXPECT_EQ(ValueOf(response.fields, "cache-control"), "no-store");
  EXPECT_THAT(ValueOf(response.fields, "strict-transport-security"), StartsWith("max-age="));
  EXPECT_EQ(ValueOf(response.fields, "content-length"), std::to_string(response.body.size()));
  const SeenCall call = upstream_.LastCall();
  EXPECT_EQ(call.user_id, "usr_1");
  EXPECT_EQ(call.idempotency_key, "k1");
  EXPECT_EQ(ValueOf(response.fields, "x-request-id"), call.request_id);
  EXPECT_EQ(ValueOf(response.fields, "traceparent"), call.traceparent);
}

TEST_F(Http2Test, RefusesAsHttp1Does) {
  TestH2Client client(port());
  const auto reason = [](const H2Response& response) {
    return std::string(
        boost::json::parse(response.body).as_object().at("reason").as_string().c_str());
  };
  const struct {
    H2Fields fields;
    int status;
    const char* reason;
  } cases[] = {
      {H2Get("/v1/nothing"), 404, "method_not_found"},
      {H2Post("/v1/payments/pay_1", {}), 405, "method_not_allowed"},
      {H2Get("/v1/payments/../accounts"), 400, "malformed_request"},
      {H2Get("/v1/payments", {}), 401, "token_missing"},
      {H2Get("/v1/payments", {{"authorization", "Bearer a"}, {"authorization", "Bearer b"}}), 400,
       "malformed_request"},
      {H2Get("/v1/payments", {{"x", std::string(8192, 'x')}}), 431, "header_too_large"},
      {{{":method", "CONNECT"}, {":authority", "a:443"}}, 400, "malformed_request"},
  };
  for (const auto& c : cases) {
    const H2Response response = client.Ask(c.fields);
    EXPECT_EQ(response.status, c.status) << c.reason;
    EXPECT_EQ(reason(response), c.reason);
    EXPECT_THAT(ValueOf(response.fields, "x-request-id"), StartsWith("req_"));
  }
  const H2Response large = client.Ask(PayFields(), std::string(16'000, ' '));
  EXPECT_EQ(large.status, 400) << "no JSON";
  EXPECT_EQ(client.Ask(H2Get("/v1/payments/pay_1")).status, 200) << "the connection goes on";
}

TEST_F(Http2Test, ServesStreamsAtOnce) {
  constexpr int kStreams = 50;
  TestH2Client client(port());
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < kStreams; ++i) streams.push_back(client.Begin(PayFields(), PayBody("wait")));
  AwaitWaiting(kStreams);
  EXPECT_EQ(client.Ask(H2Get("/v1/payments/pay_1")).status, 200) << "not behind the others";
  upstream_.Release();
  for (const std::uint32_t stream : streams) EXPECT_EQ(client.Read(stream).status, 200);
}

TEST_F(Http2Test, CarriesWhatExceedsAWindow) {
  TestH2Client client(port());
  const std::string reference(60'000, 'x');
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 5; ++i) {
    const std::uint32_t stream = client.Begin(PayFields(), false);
    const std::string body = PayBody(reference);
    for (std::size_t at = 0; at < body.size(); at += 16'384) {
      const std::string piece = body.substr(at, 16'384);
      client.Send(MakeH2Frame(NGHTTP2_DATA, at + 16'384 < body.size() ? 0 : 1, stream, piece));
    }
    streams.push_back(stream);
  }
  for (const std::uint32_t stream : streams)
    EXPECT_THAT(client.Read(stream).body, HasSubstr(reference));
}

TEST_F(Http2Test, CountsRequestsOfAllConnections) {
  limits_.requests_in_flight = 1;
  TestH2Client client(port());
  const std::uint32_t waiting = client.Begin(PayFields(), PayBody("wait"));
  AwaitWaiting(1);
  EXPECT_EQ(client.Ask(H2Get("/v1/payments/pay_1")).status, 429);
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1")).result_int(), 429u) << "HTTP/1.1";
  upstream_.Release();
  EXPECT_EQ(client.Read(waiting).status, 200);
}

// Every flood ends its own connection, and only that.
TEST_F(Http2Test, EndsFloodsAndServesTheOthers) {
  const auto repeated = [](const std::string& frame) {
    std::string bytes;
    for (int i = 0; i < 1500; ++i) bytes += frame;
    return bytes;
  };
  H2Codec codec;
  std::string resets;
  std::string refused;
  for (std::uint32_t stream = 1; stream < 3000; stream += 2) {
    resets += codec.Headers(stream, H2Get("/v1/payments/pay_1"), true) +
              MakeH2Frame(NGHTTP2_RST_STREAM, 0, stream, H2Number(NGHTTP2_CANCEL));
  }
  H2Codec other_codec;
  for (std::uint32_t stream = 1; stream < 3000; stream += 2)
    refused += other_codec.Headers(stream, H2Get("/", {{"connection", "close"}}), true);
  const std::string open = H2Codec().Headers(1, PayFields(), false);
  std::string continuation = MakeH2Frame(NGHTTP2_HEADERS, 0, 1, H2Codec().Block(PayFields()));
  const std::pair<const char*, std::string> floods[] = {
      {"PING", repeated(MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678"))},
      {"SETTINGS", repeated(MakeH2Frame(NGHTTP2_SETTINGS, 0, 0))},
      {"PRIORITY", repeated(MakeH2Frame(NGHTTP2_PRIORITY, 0, 3, std::string(5, '\0')))},
      {"WINDOW_UPDATE", repeated(MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, H2Number(1)))},
      {"empty DATA", open + repeated(MakeH2Frame(NGHTTP2_DATA, 0, 1))},
      {"unknown frames", repeated(MakeH2Frame(0xfe, 0, 0))},
      {"CONTINUATION", continuation + repeated(MakeH2Frame(NGHTTP2_CONTINUATION, 0, 1))},
      {"header block", MakeH2Frame(NGHTTP2_HEADERS, 0, 1, std::string(16'000, '\x82')) +
                           MakeH2Frame(NGHTTP2_CONTINUATION, 4, 1, std::string(16'000, '\x82'))},
      {"rapid reset", resets},
      {"malformed requests", refused},
  };
  TestH2Client other(port());
  TestClient older(port());
  for (const auto& [what, bytes] : floods) {
    TestH2Client client(port());
    client.Send(bytes);
    EXPECT_EQ(client.ReadGoAway(), kCalm) << what;
    EXPECT_TRUE(client.over()) << what;
    EXPECT_EQ(other.Ask(H2Get("/v1/payments/pay_1")).status, 200) << what;
    older.Send(Get("/v1/payments/pay_1"));
    EXPECT_EQ(older.Read()->result_int(), 200u) << what;
  }
}

TEST_F(Http2Test, EndsAFloodAlthoughRequestsAreUnderWay) {
  TestH2Client client(port());
  for (int i = 0; i < 3; ++i) client.Begin(PayFields(), PayBody("wait"));
  AwaitWaiting(3);
  for (int i = 0; i < 100; ++i) client.Send(MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678"));
  EXPECT_EQ(client.ReadGoAway(), kCalm);
  EXPECT_TRUE(client.over());
  EXPECT_FALSE(upstream_.released);
}

// The requests that a client resets are under way inside, however fast it opens new ones.
TEST_F(Http2Test, BoundsWhatIsUnderWayForAClientThatResets) {
  limits_.streams = 10;
  TestH2Client client(port());
  for (int i = 0; i < 40; ++i) {
    const std::uint32_t stream = client.Begin(PayFields(), PayBody("wait"));
    client.Send(MakeH2Frame(NGHTTP2_RST_STREAM, 0, stream, H2Number(NGHTTP2_CANCEL)));
  }
  client.Read(client.Begin(H2Get("/v1/payments", {})));  // Answered or refused, after all of them.
  EXPECT_LE(upstream_.waiting, 10);
  upstream_.Release();
}

TEST_F(Http2Test, GivesUpOnSlowClients) {
  limits_.header_time = absl::Milliseconds(50);
  limits_.body_time = absl::Milliseconds(50);
  limits_.idle_time = absl::Milliseconds(50);
  TestH2Client body(port());
  const std::uint32_t stream = body.Begin(PayFields(), false);
  const H2Response response = body.Read(stream);
  EXPECT_EQ(response.status, 408);
  EXPECT_THAT(response.body, HasSubstr("request_timeout"));
  TestH2Client frame(port());
  frame.Send(MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678").substr(0, 12));
  EXPECT_EQ(frame.ReadGoAway(), NGHTTP2_NO_ERROR);
  TestH2Client idle(port());
  EXPECT_EQ(idle.ReadGoAway(), NGHTTP2_NO_ERROR);
  TestClient silent(port(), [](SSL* ssl) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  });
  while (!silent.ReadSome().empty()) {
  }
}

TEST_F(Http2Test, GivesUpOnSlowReaders) {
  limits_.write_time = absl::Milliseconds(50);
  // SETTINGS_INITIAL_WINDOW_SIZE 0.
  TestH2Client client(port(), std::string("\0\4\0\0\0\0", 6));
  client.StopFetching();
  const H2Response response = client.Ask(PayFields(), PayBody("x"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.reset, NGHTTP2_CANCEL);
}

// Responses for who reads not even from its socket.
TEST_F(Http2Test, GivesUpOnAFullSocket) {
  limits_.write_time = absl::Milliseconds(100);
  limits_.linger_time = absl::Milliseconds(10);
  TestH2Client client(port(), std::string("\0\4\x7f\xff\xff\xff", 6));
  client.Send(MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, H2Number(0x7fff0000)));
  const std::string body = PayBody(std::string(16'000, 'x'));
  // Until the server has given up: it hangs up with what it could not write.
  for (int i = 0; i < 2000 && client.ok(); ++i) client.Begin(PayFields(), body);
  TestH2Client other(port());
  EXPECT_EQ(other.Ask(H2Get("/v1/payments/pay_1")).status, 200);
}

TEST_F(Http2Test, FinishesWhatIsUnderWayWhenTheClientHangsUp) {
  {
    TestH2Client client(port());
    for (int i = 0; i < 5; ++i) client.Begin(PayFields(), PayBody("wait"));
    AwaitWaiting(5);
    client.HangUp();
  }
  upstream_.Release();
  EXPECT_TRUE(gateway().Drain(absl::Seconds(20)));
}

TEST_F(Http2Test, DrainsWithoutLosingARequest) {
  TestH2Client idle(port());
  EXPECT_EQ(idle.Ask(H2Get("/v1/payments/pay_1")).status, 200);
  TestH2Client busy(port());
  const std::uint32_t one = busy.Begin(PayFields(), PayBody("wait"));
  const std::uint32_t two = busy.Begin(PayFields(), PayBody("wait"));
  AwaitWaiting(2);
  std::future<bool> drained =
      std::async(std::launch::async, [&] { return gateway().Drain(absl::Seconds(30)); });
  EXPECT_EQ(idle.ReadGoAway(), NGHTTP2_NO_ERROR);
  EXPECT_EQ(busy.ReadLastStream(), two);
  const std::uint32_t late = busy.Begin(H2Get("/v1/payments/pay_1"));
  upstream_.Release();
  EXPECT_EQ(busy.Read(one).status, 200);
  EXPECT_EQ(busy.Read(two).status, 200);
  EXPECT_EQ(busy.ReadGoAway(), NGHTTP2_NO_ERROR);
  EXPECT_EQ(busy.Read(late).status, 0) << "never begun: the client may send it elsewhere";
  idle.HangUp();
  busy.HangUp();
  EXPECT_TRUE(drained.get());
}

TEST_F(Http2Test, NeverServesWhatHttp2Smuggles) {
  TestH2Client client(port());
  const H2Fields cases[] = {
      H2Get("/v1/payments", {{"x", "a\r\ntransfer-encoding: chunked"}}),
      H2Get("/v1/payments", {{"x: y\r\nz", "a"}}),
      H2Get("/v1/payments HTTP/1.1\r\nHost: b\r\n\r\nGET /smuggled"),
      H2Get("/v1/payments", {{"transfer-encoding", "chunked"}}),
      H2Get("/v1/payments", {{"connection", "x-user-id"}}),
      H2Get("/v1/payments", {{":path", "/smuggled"}}),
  };
  for (const H2Fields& fields : cases) {
    const H2Response response = client.Ask(fields);
    EXPECT_EQ(response.status, 0) << ::testing::PrintToString(fields);
    EXPECT_EQ(response.reset, NGHTTP2_PROTOCOL_ERROR) << ::testing::PrintToString(fields);
  }
  H2Fields announced = PayFields();
  announced.emplace_back("content-length", "2");
  const H2Response lie = client.Ask(announced, "{}GET /smuggled HTTP/1.1\r\n\r\n");
  EXPECT_EQ(lie.reset, NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(upstream_.LastCall().caller, "") << "none of them got through";
}

}  // namespace
}  // namespace florin::gateway
