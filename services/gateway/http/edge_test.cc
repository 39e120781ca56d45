// What the gateway does at its edge, over real TLS: quotas, priorities, CORS, cached reads, fields
// for browsers, connections of one network.
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/http/conditional.h"
#include "services/gateway/http/server.h"
#include "services/gateway/http/test_gateway.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kAll[] = "Authorization: Bearer all\r\n";
// Nothing comes back while a test runs.
Quota Of(std::int64_t units) { return {units, absl::Hours(10)}; }

TEST_F(GatewayTest, SaysWhatIsLeftOfAQuota) {
  quotas_ = Quotas{.network = Of(1000), .user = Of(100)};
  const TestResponse read = Ask(Get("/v1/payments/pay_1"));
  EXPECT_EQ(Header(read, "RateLimit-Policy"), "\"network\";q=1000;w=36000, \"user\";q=100;w=36000");
  EXPECT_THAT(Header(read, "RateLimit"), MatchesRegex("\"user\";r=99;t=3[56]."));
  EXPECT_THAT(Header(Ask(Pay("x")), "RateLimit"), MatchesRegex("\"user\";r=94;t=.*"));
  EXPECT_THAT(Header(Ask(Get("/v1/nothing")), "RateLimit"), MatchesRegex("\"network\";r=993;t=.*"));
}

TEST_F(GatewayTest, RefusesBeyondAQuota) {
  quotas_ = Quotas{.network = Of(1000), .user = Of(11)};
  EXPECT_EQ(Ask(Pay("a")).result_int(), 200u);
  EXPECT_EQ(Ask(Pay("b")).result_int(), 200u);
  const TestResponse refused = Ask(Pay("c"));
  EXPECT_EQ(refused.result_int(), 429u);
  EXPECT_EQ(ReasonIn(refused), "rate_limited");
  EXPECT_GT(std::stoi(Header(refused, "Retry-After")), 3600);
  EXPECT_THAT(Header(refused, "RateLimit"), MatchesRegex("\"user\";r=1;t=.*"));
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1")).result_int(), 200u) << "a read still fits";
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1")).result_int(), 429u);
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1", "Authorization: Bearer other\r\n")).result_int(), 401u);
}

TEST_F(GatewayTest, TakesFromTheNetworkOfWhoeverHasNoToken) {
  quotas_ = Quotas{.network = Of(50)};
  const std::string json = "Content-Type: application/json\r\n";
  // A login costs 20, an invalid token what its request costs.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask(Post("/v1/login", "{}", json)).result_int(), 503u);
  EXPECT_EQ(Ask(Post("/v1/login", "{}", json)).result_int(), 429u);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Ask(Get("/v1/payments", "Authorization: Bearer other\r\n")).result_int(), 401u);
  }
  const TestResponse refused = Ask(Get("/v1/payments", "Authorization: Bearer other\r\n"));
  EXPECT_EQ(refused.result_int(), 429u) << "before its token is looked at";
  EXPECT_THAT(Header(refused, "RateLimit"), HasSubstr("\"network\";r=0"));
  EXPECT_EQ(Ask(Get("/v1/nothing")).result_int(), 429u);
}

TEST_F(GatewayTest, ShedsNewWritesBeforeReadsAndRetries) {
  limits_.requests_in_flight = 5;  // Of them 4 for new writes, 3 for passwords.
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<TestClient>(port()));
    clients.back()->Send(Pay("wait"));
    AwaitWaiting(i + 1);
  }
  EXPECT_EQ(ReasonIn(Ask(Pay("x"))), "overloaded");
  EXPECT_EQ(ReasonIn(Ask(Post("/v1/login", "{}", ""))), "overloaded");
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1")).result_int(), 200u);
  EXPECT_EQ(Ask(Pay("x", "Florin-Retry-Attempt: 1\r\n")).result_int(), 200u);
  EXPECT_EQ(ReasonIn(Ask(Pay("x", "Florin-Retry-Attempt: 0\r\n"))), "overloaded");
  clients.push_back(std::make_unique<TestClient>(port()));
  clients.back()->Send(Pay("wait", "Florin-Retry-Attempt: 1\r\n"));
  AwaitWaiting(5);
  EXPECT_EQ(ReasonIn(Ask(Get("/v1/payments/pay_1"))), "overloaded");
  EXPECT_EQ(ReasonIn(Ask(Pay("x", "Florin-Retry-Attempt: 1\r\n"))), "overloaded");
  upstream_.Release();
  for (auto& client : clients) EXPECT_EQ(client->Read()->result_int(), 200u);
}

TEST_F(GatewayTest, BoundsConnectionsOfANetwork) {
  limits_.connections_per_network = 2;
  {
    TestClient first(port());
    TestClient second(port());
    EXPECT_TRUE(first.ok() && second.ok());
    EXPECT_FALSE(TestClient(port()).ok());
    second.Send(Get("/v1/payments/pay_1"));
    EXPECT_EQ(second.Read()->result_int(), 200u);
  }
  while (!TestClient(port()).ok()) std::this_thread::yield();
}

TEST_F(GatewayTest, GivesUpOnABodyThatTrickles) {
  limits_.body_grace = absl::Milliseconds(50);
  limits_.body_bytes_per_second = 1'000'000'000;  // What has come buys no time.
  TestClient client(port());
  client.Send("POST /v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{   ");
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(ReasonIn(*response), "request_timeout");
  EXPECT_TRUE(client.EndsCleanly());
}

TEST(BodyTimeTest, IsWhatHasComeAtTheLeastRate) {
  const Limits limits{.body_time = absl::Seconds(10),
                      .body_grace = absl::Seconds(2),
                      .body_bytes_per_second = 1000};
  EXPECT_EQ(BodyTime(limits, 0), absl::Seconds(2));
  EXPECT_EQ(BodyTime(limits, 500), absl::Milliseconds(2500));
  EXPECT_EQ(BodyTime(limits, 8000), absl::Seconds(10));
  EXPECT_EQ(BodyTime(limits, 60000), absl::Seconds(10));
}

TEST_F(GatewayTest, TellsBrowsersToBeCareful) {
  for (const TestResponse& response : {Ask(Get("/v1/payments/pay_1")), Ask(Get("/v1/nothing")),
                                       Ask("GET / HTTP/9\r\n\r\n"), Ask(Pay("break"))}) {
    EXPECT_THAT(Header(response, "Strict-Transport-Security"), HasSubstr("max-age=31536000"));
    EXPECT_EQ(Header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(Header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(Header(response, "Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_EQ(response.count("Server"), 0u);
    EXPECT_EQ(response.count("X-Powered-By"), 0u);
    EXPECT_EQ(response.count("Cache-Control"), 1u);
  }
}

TEST_F(GatewayTest, SparesAReadThatTheClientHas) {
  const TestResponse first = Ask(Get("/v1/payments/pay_1"));
  const std::string tag = Header(first, "ETag");
  EXPECT_EQ(tag, EntityTag(first.body()));
  EXPECT_EQ(Header(first, "Cache-Control"), "private, no-cache");

  TestClient client(port());
  client.Send(Get("/v1/payments/pay_1", absl::StrCat(kAll, "If-None-Match: ", tag, "\r\n")));
  const auto again = client.Read();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->result_int(), 304u);
  EXPECT_EQ(again->body(), "");
  EXPECT_EQ(Header(*again, "ETag"), tag);
  EXPECT_EQ(again->count("Content-Length"), 0u);
  EXPECT_EQ(again->count("Content-Type"), 0u);
  // The connection goes on where it should.
  client.Send(Get("/v1/payments/pay_2", absl::StrCat(kAll, "If-None-Match: ", tag, "\r\n")));
  EXPECT_EQ(client.Read()->result_int(), 200u) << "another payment";

  EXPECT_EQ(Header(Ask(Pay("x")), "ETag"), "") << "reads only";
  EXPECT_EQ(Header(Ask(Pay("x")), "Cache-Control"), "no-store");
  const TestResponse refused =
      Ask(Get("/v1/payments/pay_1", absl::StrCat("If-None-Match: ", tag, "\r\n")));
  EXPECT_EQ(refused.result_int(), 401u) << "who may not read learns nothing";
  EXPECT_EQ(Header(refused, "Cache-Control"), "no-store");
}

std::string Ask4(const std::string& method, const std::string& origin,
                 const std::string& more = "") {
  return absl::StrCat("OPTIONS /v1/payments HTTP/1.1\r\nHost: localhost\r\nOrigin: ", origin,
                      "\r\nAccess-Control-Request-Method: ", method, "\r\n", more, "\r\n");
}

TEST_F(GatewayTest, LetsRegisteredOriginsCall) {
  origins_ = std::make_shared<OriginList>(std::set<std::string>{"https://app.example.com"});
  TestClient client(port());
  client.Send(Ask4("POST", "https://app.example.com",
                   "Access-Control-Request-Headers: authorization,idempotency-key\r\n"));
  const auto preflight = client.Read();
  ASSERT_TRUE(preflight);
  EXPECT_EQ(preflight->result_int(), 204u);
  EXPECT_EQ(preflight->count("Content-Length"), 0u);
  EXPECT_EQ(Header(*preflight, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(Header(*preflight, "Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_EQ(Header(*preflight, "Access-Control-Max-Age"), "600");
  EXPECT_THAT(Header(*preflight, "Vary"), HasSubstr("Origin"));

  client.Send(Get("/v1/payments/pay_1", absl::StrCat(kAll, "Origin: https://app.example.com\r\n")));
  const auto answer = client.Read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->result_int(), 200u);
  EXPECT_EQ(Header(*answer, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_THAT(Header(*answer, "Access-Control-Expose-Headers"), HasSubstr("RateLimit"));
  EXPECT_EQ(Header(*answer, "Vary"), "Origin");
  EXPECT_EQ(Header(*answer, "Access-Control-Allow-Credentials"), "");
  const TestResponse refused = Ask(Get("/v1/payments", "Origin: https://app.example.com\r\n"));
  EXPECT_EQ(refused.result_int(), 401u);
  EXPECT_EQ(Header(refused, "Access-Control-Allow-Origin"), "https://app.example.com")
      << "a page must see why";
}

TEST_F(GatewayTest, TellsOtherOriginsNothing) {
  origins_ = std::make_shared<OriginList>(std::set<std::string>{"https://app.example.com"});
  for (const char* origin : {"https://evil.example", "null", "*"}) {
    const TestResponse preflight = Ask(Ask4("POST", origin));
    EXPECT_EQ(preflight.result_int(), 403u) << origin;
    EXPECT_EQ(ReasonIn(preflight), "origin_not_allowed") << origin;
    const TestResponse answer =
        Ask(Get("/v1/payments/pay_1", absl::StrCat(kAll, "Origin: ", origin, "\r\n")));
    for (const TestResponse* response : {&preflight, &answer}) {
      EXPECT_EQ(Header(*response, "Access-Control-Allow-Origin"), "") << origin;
      EXPECT_THAT(Header(*response, "Vary"), HasSubstr("Origin")) << origin;
    }
  }
  EXPECT_EQ(ReasonIn(Ask(Ask4("DELETE", "https://app.example.com"))), "method_not_allowed");
  EXPECT_EQ(ReasonIn(Ask("OPTIONS /v1/nothing HTTP/1.1\r\nHost: a\r\nOrigin: "
                         "https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n\r\n")),
            "method_not_found");
  EXPECT_EQ(upstream_.LastCall().caller, "gateway") << "the answers were the browser's to withhold";
}

TEST_F(GatewayTest, HoldsGrpcToTheSameQuotasAndOrigins) {
  quotas_ = Quotas{.network = Of(1000), .user = Of(1)};
  origins_ = std::make_shared<OriginList>(std::set<std::string>{"https://app.example.com"});
  const std::string method = "/florin.payments.v1.Payments/GetPayment";
  const std::string call = Post(method, std::string(5, '\0'),
                                absl::StrCat(kAll,
                                             "Content-Type: application/grpc-web\r\n"
                                             "Origin: https://app.example.com\r\n"));
  const TestResponse answer = Ask(call);
  EXPECT_THAT(answer.body(), HasSubstr("grpc-status: 0"));
  EXPECT_EQ(Header(answer, "Access-Control-Allow-Origin"), "https://app.example.com");
  const TestResponse refused = Ask(call);
  EXPECT_THAT(refused.body(), HasSubstr("grpc-status: 8"));
  EXPECT_THAT(Header(refused, "RateLimit"), HasSubstr("\"user\";r=0"));
  const TestResponse preflight =
      Ask(absl::StrCat("OPTIONS ", method,
                       " HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                       "https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n"
                       "Access-Control-Request-Headers: content-type,x-grpc-web\r\n\r\n"));
  EXPECT_EQ(preflight.result_int(), 204u);
  EXPECT_EQ(Header(preflight, "Access-Control-Allow-Methods"), "POST");
}

TEST_F(GatewayTest, ServesDocuments) {
  documents_ = std::make_shared<Documents>(Documents{
      {"/docs", {"text/html; charset=utf-8", "<p>hello", {{"X-Frame-Options", "DENY"}}}}});
  const TestResponse page = Ask(Get("/docs", ""));
  EXPECT_EQ(page.result_int(), 200u);
  EXPECT_EQ(page.body(), "<p>hello");
  EXPECT_EQ(Header(page, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(Header(page, "X-Frame-Options"), "DENY");
  EXPECT_EQ(Header(page, "ETag"), EntityTag(page.body()));
  for (const std::string& other : {Get("/docs/", ""), Get("/docs?x=y", ""), Post("/docs", "", "")})
    EXPECT_EQ(ReasonIn(Ask(other)), "method_not_found") << other;
}

TEST_F(GatewayTest, DescribesItself) {
  documents_ = std::make_shared<Documents>(*MakeDocuments(routes_));
  const TestResponse document = Ask(Get("/openapi.json", ""));
  EXPECT_EQ(document.result_int(), 200u);
  EXPECT_EQ(boost::json::parse(document.body()).at("openapi"), "3.1.0");
  const TestResponse page = Ask(Get("/docs", ""));
  EXPECT_THAT(page.body(), HasSubstr("POST /v1/payments"));
  EXPECT_THAT(Header(page, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(Header(Ask(Get("/docs/style.css", "")), "Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(
      Ask(Get("/docs", absl::StrCat("If-None-Match: ", Header(page, "ETag"), "\r\n"))).result_int(),
      304u);
}

}  // namespace
}  // namespace florin::gateway
