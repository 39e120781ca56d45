#include "services/gateway/http/cors.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

const OriginList kOrigins({"https://app.example.com", "https://shop.example.com:8443"});

TEST(CorsTest, LetsPagesOfRegisteredOriginsRead) {
  const Fields fields = CorsFields("https://app.example.com", kOrigins);
  EXPECT_THAT(fields, Contains(Pair("Access-Control-Allow-Origin", "https://app.example.com")));
  EXPECT_THAT(fields, Contains(Pair("Vary", "Origin")));
  EXPECT_THAT(fields, Not(Contains(Key("Access-Control-Allow-Credentials"))));
}

TEST(CorsTest, SaysNothingToOthers) {
  EXPECT_THAT(CorsFields(std::nullopt, kOrigins), ElementsAre(Pair("Vary", "Origin")));
  for (const char* origin :
       {"", "null", "https://app.example.com.", "https://app.example.com:443",
        "https://APP.example.com", "http://app.example.com", "https://evil.example",
        "https://app.example.com https://evil.example"}) {
    EXPECT_THAT(CorsFields(origin, kOrigins), ElementsAre(Pair("Vary", "Origin"))) << origin;
  }
}

TEST(CorsTest, AnswersPreflights) {
  const std::vector<std::string> methods = {"GET", "POST"};
  const auto answer = [&](const Preflight& preflight) {
    return AnswerPreflight(preflight, methods, kOrigins);
  };
  const auto fields =
      answer({"https://app.example.com", "POST", "Authorization, content-type,idempotency-key"});
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_THAT(*fields, Contains(Pair("Access-Control-Allow-Origin", "https://app.example.com")));
  EXPECT_THAT(*fields, Contains(Pair("Access-Control-Allow-Methods", "GET, POST")));
  EXPECT_THAT(*fields, Contains(Pair("Access-Control-Max-Age", "600")));
  EXPECT_THAT(*fields, Not(Contains(Key("Access-Control-Allow-Credentials"))));
  EXPECT_TRUE(answer({"https://app.example.com", "GET", ""}).ok());

  const std::pair<Preflight, Reason> refused[] = {
      {{"https://evil.example", "GET", ""}, Reason::kOriginNotAllowed},
      {{"null", "GET", ""}, Reason::kOriginNotAllowed},
      {{"https://app.example.com", "DELETE", ""}, Reason::kMethodNotAllowed},
      {{"https://app.example.com", "get", ""}, Reason::kMethodNotAllowed},
      {{"https://app.example.com", "GET", "X-Forwarded-For"}, Reason::kOriginNotAllowed},
      {{"https://app.example.com", "GET", "authorization, cookie"}, Reason::kOriginNotAllowed},
  };
  for (const auto& [preflight, reason] : refused)
    EXPECT_EQ(ReasonOf(answer(preflight).status()), reason) << preflight.headers;
}

}  // namespace
}  // namespace florin::gateway
