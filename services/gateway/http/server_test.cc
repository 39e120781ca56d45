// What the gateway does with well-formed requests, over real TLS and real gRPC.
#include "services/gateway/http/server.h"

#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/http/test_gateway.h"

namespace florin::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(GatewayTest, CarriesARequestThroughAndBack) {
  const TestResponse response =
      Ask(Post("/v1/payments",
               R"({"source_account_id":"acc_1","amount":{"currency":"EUR","minor_units":"1250"},)"
               R"("reference":"Zoë"})",
               "Authorization: bearer all\r\nContent-Type: application/json; "
               "charset=UTF-8\r\nIdempotency-Key: key-1\r\n"));
  EXPECT_EQ(response.result_int(), 200);
  EXPECT_EQ(boost::json::parse(response.body()), boost::json::parse(R"({
      "payment_id": "pay_1", "kind": "KIND_UNSPECIFIED", "state": "SUCCEEDED",
      "source_account_id": "acc_1",
      "destination_account_id": "", "amount": {"currency": "EUR", "minor_units": "1250"},
      "reference": "Zoë",
      "failure_reason": "", "transaction_id": "",
      "capture_method": "CAPTURE_METHOD_UNSPECIFIED", "splits": []})"));
  EXPECT_EQ(Header(response, "Content-Type"), "application/json");
  EXPECT_EQ(Header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(Header(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(Header(response, "Strict-Transport-Security"), StartsWith("max-age="));
  EXPECT_THAT(Header(response, "Date"), MatchesRegex("[A-Z][a-z]+, .* GMT"));
  EXPECT_EQ(Header(response, "Idempotency-Replayed"), "");
  EXPECT_EQ(Header(response, "Connection"), "");

  const SeenCall call = upstream_.LastCall();
  EXPECT_EQ(call.caller, "gateway");
  EXPECT_EQ(call.user_id, "usr_1");
  EXPECT_EQ(call.idempotency_key, "key-1");
  EXPECT_THAT(call.request_id, StartsWith("req_"));
  EXPECT_EQ(Header(response, "X-Request-Id"), call.request_id);
  EXPECT_EQ(Header(response, "traceparent"), call.traceparent);
  EXPECT_EQ(call.client_address, "127.0.0.1");
}

TEST_F(GatewayTest, BindsPathAndQuery) {
  EXPECT_THAT(Ask(Get("/v1/payments/pay%5F7")).body(), HasSubstr("\"payment_id\":\"pay_7\""));
  EXPECT_EQ(Ask(Get("/v1/payments?page_size=7")).body(),
            R"({"payments":[],"next_page_token":"page of 7"})");
}

TEST_F(GatewayTest, ContinuesATraceAndMakesItsOwnRequestId) {
  const TestResponse response =
      Ask(Get("/v1/payments/pay_1",
              "Authorization: Bearer all\r\nX-Request-Id: mine\r\nX-Forwarded-For: "
              "10.0.0.1\r\nX-User-Id: usr_2\r\n"
              "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
  EXPECT_THAT(Header(response, "X-Request-Id"), StartsWith("req_"));
  EXPECT_THAT(Header(response, "traceparent"), StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  EXPECT_THAT(Header(response, "traceparent"), Not(HasSubstr("00f067aa0ba902b7")));
  EXPECT_EQ(upstream_.LastCall().user_id, "usr_1");
  EXPECT_EQ(upstream_.LastCall().traceparent, Header(response, "traceparent"));
}

TEST_F(GatewayTest, AsksForARecentLoginByTwoFactorsWhereAMethodDemandsIt) {
  const auto open = [this](const std::string& token) {
    return Ask(Post("/testing/vault:open", "{}",
                    "Authorization: Bearer " + token + "\r\nContent-Type: application/json\r\n"));
  };
  const TestResponse refused = open("stale");
  EXPECT_EQ(refused.result_int(), 401);
  EXPECT_EQ(ReasonIn(refused), "step_up_required");
  EXPECT_EQ(Header(refused, "WWW-Authenticate"),
            "Bearer realm=\"florin\", error=\"insufficient_user_authentication\", "
            "acr_values=\"urn:florin:acr:mfa urn:florin:acr:phr\", max_age=\"300\"");
  EXPECT_EQ(vault_.opened, 0);
  EXPECT_EQ(open("fresh").result_int(), 200);
  EXPECT_EQ(vault_.opened, 1);
}

TEST_F(GatewayTest, HandsAnHttpMethodTheExchangeItself) {
  const std::string body = "code=a%2Bb&state=%C3%A9";
  const TestResponse response =
      Ask(Post("/testing/web?x=1&x=2", body,
               "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic abc\r\n"
               "DPoP: proof\r\nCookie: other=1; __Host-a=1\r\nCookie: __Host-b=2\r\n"
               "Origin: https://app.example\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: test\r\n"
               "X-Forwarded-For: 10.0.0.1\r\n"));
  EXPECT_EQ(response.result_int(), 200);
  EXPECT_EQ(
      response.body(),
      "method: \"POST\" path: \"/testing/web\" query { name: \"x\" value: \"1\" } query { name: "
      "\"x\" value: \"2\" } form { name: \"code\" value: \"a+b\" } form { name: \"state\" "
      "value: \"\\303\\251\" } cookies { name: \"__Host-a\" value: \"1\" } cookies { name: "
      "\"__Host-b\" value: \"2\" } authorization: \"Basic abc\" dpop: \"proof\" origin: "
      "\"https://app.example\" fetch_site: \"same-origin\" client_address: \"127.0.0.1\" "
      "user_agent: \"test\" request_id: \"" +
          Header(response, "X-Request-Id") + "\"");
}

TEST_F(GatewayTest, AnswersAsAnHttpMethodSays) {
  const TestResponse response =
      Ask(Get("/testing/web?status=303&set=Location=/next&set=Set-Cookie=__Host-a=1"
              "&set=Cache-Control=max-age%3D60",
              ""));
  EXPECT_EQ(response.result_int(), 303);
  EXPECT_EQ(Header(response, "Location"), "/next");
  EXPECT_EQ(Header(response, "Set-Cookie"), "__Host-a=1");
  EXPECT_EQ(Header(response, "Cache-Control"), "max-age=60");
  EXPECT_EQ(Header(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(Header(response, "X-Request-Id"), StartsWith("req_"));
}

TEST_F(GatewayTest, KeepsAnHttpMethodToItsContract) {
  EXPECT_EQ(Ask(Get("/testing/web?status=307", "")).result_int(), 500);
  EXPECT_EQ(Ask(Get("/testing/web?set=Server=x", "")).result_int(), 500);
  EXPECT_EQ(Ask(Get("/testing/files/a.css", "")).result_int(), 200);
  EXPECT_EQ(Ask(Get("/testing/files/a%2Ecss", "")).result_int(), 404);
  EXPECT_EQ(Ask(Post("/testing/web", "{}", "Content-Type: application/json\r\n")).result_int(),
            415);
  EXPECT_EQ(Ask(Get("/testing/web", "DPoP: a\r\nDPoP: b\r\n")).result_int(), 400);
  EXPECT_EQ(Ask(Get("/testing/web", "Cookie: __Host-a=1; __Host-a=2\r\n")).result_int(), 400);
}

TEST_F(GatewayTest, MarksReplays) {
  const TestResponse success = Ask(Pay("replay"));
  EXPECT_EQ(success.result_int(), 200);
  EXPECT_EQ(Header(success, "Idempotency-Replayed"), "true");
  const TestResponse refusal = Ask(Pay("refuse again"));
  EXPECT_EQ(refusal.result_int(), 422);
  EXPECT_EQ(Header(refusal, "Idempotency-Replayed"), "true");
}

TEST_F(GatewayTest, ShowsARefusalAsAProblem) {
  const TestResponse response = Ask(Pay("refuse"));
  EXPECT_EQ(response.result_int(), 422);
  EXPECT_EQ(Header(response, "Content-Type"), "application/problem+json");
  const auto problem = boost::json::parse(response.body()).as_object();
  EXPECT_EQ(problem.at("reason"), "insufficient_funds");
  EXPECT_EQ(problem.at("detail"), "not enough");
  EXPECT_EQ(problem.at("metadata").at("payment_id"), "pay_1");
  EXPECT_EQ(problem.at("request_id").as_string(), Header(response, "X-Request-Id"));
}

TEST_F(GatewayTest, HidesFaultsInside) {
  const TestResponse broken = Ask(Pay("break"));
  EXPECT_EQ(broken.result_int(), 500);
  EXPECT_EQ(ReasonIn(broken), "internal");
  EXPECT_THAT(broken.body(), Not(HasSubstr("secret")));

  const TestResponse down =
      Ask(Post("/v1/login", R"({"email":"a@example.com"})", "Content-Type: application/json\r\n"));
  EXPECT_EQ(down.result_int(), 503);
  EXPECT_EQ(ReasonIn(down), "unavailable");
  EXPECT_EQ(Header(down, "Retry-After"), "1");
  EXPECT_THAT(down.body(), Not(HasSubstr("127.0.0.1")));
}

struct Refusal {
  std::string request;
  int status;
  const char* reason;
  const char* header = "";
  const char* value = "";
};

TEST_F(GatewayTest, RefusesBeforeItCalls) {
  const std::string auth = "Authorization: Bearer all\r\n";
  const std::string json = "Content-Type: application/json\r\n";
  const std::string key = "Idempotency-Key: k\r\n";
  const Refusal cases[] = {
      {Get("/v1/nothing"), 404, "method_not_found"},
      {Get("/"), 404, "method_not_found"},
      {Post("/v1/payments/pay_1", "", auth), 405, "method_not_allowed", "Allow", "GET"},
      {absl::StrCat("DELETE /v1/payments HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "method_not_allowed",
       "Allow", "GET, POST"},
      {absl::StrCat("TRACE /v1/payments HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "method_not_allowed",
       "Allow", "GET, POST"},
      {absl::StrCat("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "malformed_request"},
      {absl::StrCat("GET https://localhost/v1/payments HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400,
       "malformed_request"},
      {absl::StrCat("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400,
       "malformed_request"},
      {Get("/v1/payments/../accounts"), 400, "malformed_request"},
      {Get("/v1/payments%2fpay_1"), 400, "malformed_request"},
      {Get("/v1/payments?page_size=%zz"), 400, "malformed_request"},
      {Get("/v1/payments", ""), 401, "token_missing", "WWW-Authenticate",
       "Bearer realm=\"florin\""},
      {Get("/v1/payments", "Authorization: Basic YTpi\r\n"), 401, "token_missing"},
      {Get("/v1/payments", "Authorization: Bearer \r\n"), 401, "token_missing"},
      {Get("/v1/payments?access_token=all", ""), 401, "token_missing"},
      {Get("/v1/payments?api_key=flk_test_x", ""), 401, "token_missing"},
      {Get("/v1/payments?api_key=flk_test_x"), 400, "unknown_field"},
      {Get("/v1/payments", "Authorization: Bearer key-elsewhere\r\n"), 403, "network_not_allowed"},
      {Get("/v1/payments", "Authorization: Bearer a b\r\n"), 401, "token_invalid"},
      {Get("/v1/payments", "Authorization: Bearer other\r\n"), 401, "token_invalid",
       "WWW-Authenticate", "Bearer realm=\"florin\", error=\"invalid_token\""},
      {Get("/v1/payments", "Authorization: Bearer expired\r\n"), 401, "token_expired"},
      {Get("/v1/payments", "Authorization: Bearer no-keys\r\n"), 503, "unavailable"},
      {Post("/v1/payments", "{}", "Authorization: Bearer reader\r\n" + json + key), 403,
       "scope_missing", "WWW-Authenticate",
       "Bearer realm=\"florin\", error=\"insufficient_scope\", scope=\"payments:write\""},
      {Post("/v1/payments", "{}", auth + json), 400, "idempotency_key_missing"},
      {Post("/v1/payments", "{}", auth + json + "Idempotency-Key: \r\n"), 400,
       "idempotency_key_missing"},
      {Post("/v1/payments", "{}", auth + json + "Idempotency-Key: a b\r\n"), 400,
       "idempotency_key_invalid"},
      {Post("/v1/payments", "{}", auth + json + "Idempotency-Key: \xc3\xa9\r\n"), 400,
       "idempotency_key_invalid"},
      {Post("/v1/payments", "{}",
            absl::StrCat(auth, json, "Idempotency-Key: ", std::string(256, 'k'), "\r\n")),
       400, "idempotency_key_invalid"},
      {Post("/v1/payments", "{}", auth + key), 415, "unsupported_media_type"},
      {Post("/v1/payments", "{}", auth + key + "Content-Type: text/plain\r\n"), 415,
       "unsupported_media_type"},
      {Post("/v1/payments", "{}",
            auth + key + "Content-Type: application/json; charset=latin1\r\n"),
       415, "unsupported_media_type"},
      {Post("/v1/payments", "{", auth + json + key), 400, "malformed_json"},
      {Post("/v1/payments", R"({"reference":"a","reference":"b"})", auth + json + key), 400,
       "duplicate_key"},
      {Post("/v1/payments", R"({"nothing":1})", auth + json + key), 400, "unknown_field"},
      {Post("/v1/payments", R"({"reference":null})", auth + json + key), 400, "invalid_field"},
      {Post("/v1/payments", std::string(40, '['), auth + json + key), 400, "invalid_field"},
      {Get("/v1/payments?nothing=1"), 400, "unknown_field"},
      {Get("/v1/payments?page_size=1&page_size=2"), 400, "invalid_field"},
  };
  for (const Refusal& c : cases) {
    const TestResponse response = Ask(c.request);
    EXPECT_EQ(response.result_int(), static_cast<unsigned>(c.status)) << c.request;
    EXPECT_EQ(ReasonIn(response), c.reason) << c.request;
    EXPECT_THAT(Header(response, "X-Request-Id"), StartsWith("req_")) << c.request;
    EXPECT_THAT(Header(response, "traceparent"), StartsWith("00-")) << c.request;
    if (*c.header == '\0') continue;
    EXPECT_EQ(Header(response, c.header), c.value) << c.request;
  }
  EXPECT_EQ(upstream_.LastCall().caller, "") << "none of them got through";
}

TEST_F(GatewayTest, TakesAnApiKeyFromItsNetworks) {
  EXPECT_EQ(Ask(Get("/v1/payments", "Authorization: Bearer key-here\r\n")).result_int(), 200u);
  // What a client says of its address counts for nothing.
  const TestResponse response = Ask(Get(
      "/v1/payments", "Authorization: Bearer key-elsewhere\r\nX-Forwarded-For: 203.0.113.9\r\n"));
  EXPECT_EQ(ReasonIn(response), "network_not_allowed");
}

TEST_F(GatewayTest, TakesTheLongestIdempotencyKey) {
  const std::string key(255, 'k');
  const TestResponse response = Ask(Post(
      "/v1/payments", "{}",
      absl::StrCat(
          "Authorization: Bearer all\r\nContent-Type: application/json\r\nIdempotency-Key: ", key,
          "\r\n")));
  EXPECT_EQ(response.result_int(), 200);
  EXPECT_EQ(upstream_.LastCall().idempotency_key, key);
}

TEST_F(GatewayTest, KeepsTheConnection) {
  TestClient client(port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get(absl::StrCat("/v1/payments/pay_", i)));
    const auto response = client.Read();
    ASSERT_TRUE(response);
    EXPECT_THAT(response->body(), HasSubstr(absl::StrCat("\"pay_", i, "\"")));
  }
  // A refusal of what the request says, rather than of how it is framed, does not end the
  // connection.
  client.Send(Get("/v1/nothing"));
  EXPECT_EQ(client.Read()->result_int(), 404u);
  client.Send(Get("/v1/payments/pay_9", "Authorization: Bearer all\r\nConnection: close\r\n"));
  const auto last = client.Read();
  ASSERT_TRUE(last);
  EXPECT_EQ(Header(*last, "Connection"), "close");
  EXPECT_TRUE(client.EndsCleanly());
}

TEST_F(GatewayTest, AnswersAPipelineInOrder) {
  TestClient client(port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += i % 2 == 0 ? Pay(absl::StrCat("n", i))
                           : absl::StrCat("\r\n", Get(absl::StrCat("/v1/payments/n", i)));
  }
  client.Send(requests);
  for (int i = 0; i < 50; ++i) {
    const auto response = client.Read();
    ASSERT_TRUE(response) << i;
    EXPECT_THAT(response->body(), HasSubstr(absl::StrCat("\"n", i, "\"")));
  }
}

TEST_F(GatewayTest, ServesHttp10AndHead) {
  TestClient old(port());
  old.Send(
      "GET /v1/payments/pay_1 HTTP/1.0\r\nAuthorization: Bearer all\r\nConnection: "
      "keep-alive\r\n\r\n");
  const auto response = old.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->result_int(), 200u);
  EXPECT_EQ(Header(*response, "Connection"), "close");
  EXPECT_TRUE(old.EndsCleanly());

  TestClient client(port());
  client.Send(
      absl::StrCat("HEAD /v1/payments HTTP/1.1\r\nHost: a\r\n\r\n", Get("/v1/payments/pay_2")));
  const auto head = client.Read(/*head=*/true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->result_int(), 405u);
  EXPECT_THAT(client.Read()->body(), HasSubstr("pay_2")) << "no body came between";
}

TEST_F(GatewayTest, RefusesMoreRequestsAtOnceThanItMay) {
  limits_.requests_in_flight = 1;
  TestClient first(port());
  first.Send(Pay("wait"));
  AwaitWaiting(1);
  const TestResponse refused = Ask(Get("/v1/payments/pay_1"));
  EXPECT_EQ(refused.result_int(), 429u);
  EXPECT_EQ(ReasonIn(refused), "overloaded");
  EXPECT_EQ(Header(refused, "Retry-After"), "1");
  upstream_.Release();
  EXPECT_EQ(first.Read()->result_int(), 200u);
  EXPECT_EQ(Ask(Get("/v1/payments/pay_1")).result_int(), 200u);
}

TEST_F(GatewayTest, GivesUpAtTheDeadline) {
  limits_.request_time = absl::Milliseconds(100);
  const TestResponse response = Ask(Pay("wait"));
  EXPECT_EQ(response.result_int(), 504u);
  EXPECT_EQ(ReasonIn(response), "deadline_exceeded");
}

TEST_F(GatewayTest, ServesManyAtOnce) {
  constexpr int kClients = 16;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(std::make_unique<TestClient>(port()));
  for (auto& client : clients) client->Send(Pay("wait"));
  AwaitWaiting(kClients);
  upstream_.Release();
  for (auto& client : clients) EXPECT_EQ(client->Read()->result_int(), 200u);
}

TEST_F(GatewayTest, DrainsWithoutLosingARequest) {
  TestClient idle(port());
  TestClient served(port());
  served.Send(Get("/v1/payments/pay_1"));
  ASSERT_TRUE(served.Read());
  TestClient busy(port());
  busy.Send(Pay("wait"));
  AwaitWaiting(1);

  std::future<bool> drained =
      std::async(std::launch::async, [&] { return gateway().Drain(absl::Seconds(30)); });
  EXPECT_TRUE(idle.EndsCleanly());
  EXPECT_TRUE(served.EndsCleanly());
  upstream_.Release();
  const auto response = busy.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->result_int(), 200u);
  EXPECT_EQ(Header(*response, "Connection"), "close");
  EXPECT_TRUE(busy.EndsCleanly());
  idle.HangUp();
  served.HangUp();
  busy.HangUp();
  EXPECT_TRUE(drained.get());
  asio::io_context context;
  asio::ip::tcp::socket late(context);
  boost::system::error_code error;
  late.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(port())}, error);
  EXPECT_EQ(error, asio::error::connection_refused);
}

TEST_F(GatewayTest, SaysWhyItCannotStart) {
  const auto backends = [](Executor) { return Backend(); };
  ServerOptions options{.listen = "127.0.0.1:0",
                        .tls_certificate = certificates_.directory() + "/gateway.crt",
                        .tls_key = certificates_.directory() + "/gateway.key"};
  const auto message = [&] {
    const auto server = Server::Start(options, routes_, backends, SystemClock(), SystemIds());
    return server.ok() ? std::string("started") : std::string(server.status().message());
  };
  options.tls_key = certificates_.directory() + "/payments.key";
  EXPECT_THAT(message(), HasSubstr("is not the key of"));
  options.tls_key = certificates_.directory() + "/nothing.key";
  EXPECT_THAT(message(), HasSubstr("nothing.key"));
  options.listen = "nowhere";
  EXPECT_THAT(message(), HasSubstr("is not host:port"));
  options.listen = "127.0.0.1:0";
  options.mtls_listen = "nowhere, too";
  EXPECT_THAT(message(), HasSubstr("too is not host:port"));
}

}  // namespace
}  // namespace florin::gateway
