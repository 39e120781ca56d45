#include "services/gateway/openapi/document.h"

#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/openapi/embedded_protos.h"
#include "services/gateway/openapi/page.h"
#include "services/gateway/transcode/rate_class.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class OpenApiTest : public ::testing::Test {
 protected:
  const json::object& Operation(const std::string& method, const std::string& path) const {
    return document_.at("paths").at(path).at(method).as_object();
  }
  static std::set<std::string> Strings(const json::value& array) {
    std::set<std::string> strings;
    for (const json::value& one : array.as_array()) strings.insert(one.as_string().c_str());
    return strings;
  }

  const RouteTable routes_ = *RouteTable::Build(PublishedServices());
  const Comments comments_ = *ReadComments(EmbeddedProtos());
  const json::object document_ = MakeOpenApi(routes_, comments_);
};

TEST_F(OpenApiTest, HasEveryRouteAndNothingElse) {
  std::set<std::string> routed;
  for (const auto& route : routes_.routes())
    routed.insert(absl::StrCat(route->http_method, " ", route->path));
  std::set<std::string> documented;
  for (const auto& [path, item] : document_.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      documented.insert(
          absl::StrCat(absl::AsciiStrToUpper(std::string(method)), " ", std::string(path)));
    }
  }
  EXPECT_EQ(documented, routed);
}

TEST_F(OpenApiTest, SaysOfEveryRouteWhatItsPolicySays) {
  for (const auto& route : routes_.routes()) {
    const json::object& operation =
        Operation(absl::AsciiStrToLower(route->http_method), route->path);
    const std::string what = route->http_method + " " + route->path;
    EXPECT_NE(operation.at("summary").as_string(), "") << what << " has no comment";
    EXPECT_EQ(operation.at("x-rate-cost").as_int64(), CostOf(route.get())) << what;
    const json::array& security = operation.at("security").as_array();
    EXPECT_EQ(security.empty(), route->policy.access() == options::v1::MethodPolicy::PUBLIC)
        << what;
    for (const std::string& scope : route->policy.scopes())
      EXPECT_THAT(json::serialize(security), HasSubstr(scope)) << what;
    const std::string parameters =
        operation.contains("parameters") ? json::serialize(operation.at("parameters")) : "";
    EXPECT_EQ(parameters.find("IdempotencyKey") != std::string::npos,
              route->policy.idempotency() == options::v1::MethodPolicy::KEY)
        << what;
    for (const PathVariable& variable : route->variables)
      EXPECT_THAT(parameters, HasSubstr(absl::StrCat("\"name\":\"", variable.name, "\""))) << what;
  }
}

TEST_F(OpenApiTest, ListsTheReasonsThatTheCommentNames) {
  const json::object& responses = Operation("post", "/v1/payments").at("responses").as_object();
  EXPECT_THAT(Strings(responses.at("422").at("x-reasons")),
              IsSupersetOf({"insufficient_funds", "currency_mismatch"}));
  EXPECT_THAT(Strings(responses.at("400").at("x-reasons")),
              IsSupersetOf({"invalid_amount", "invalid_id"}));
  EXPECT_THAT(Strings(responses.at("401").at("x-reasons")),
              IsSupersetOf({"token_missing", "token_expired", "api_key_wrong_mode"}));
  EXPECT_THAT(Strings(responses.at("403").at("x-reasons")),
              IsSupersetOf({"scope_missing", "network_not_allowed"}));
  EXPECT_THAT(Strings(responses.at("429").at("x-reasons")),
              IsSupersetOf({"rate_limited", "overloaded"}));
  EXPECT_TRUE(responses.at("429").at("headers").as_object().contains("Retry-After"));
}

TEST_F(OpenApiTest, HasTheCommentsOfFields) {
  const json::object& user =
      document_.at("components").at("schemas").at("RegisterRequest").as_object();
  EXPECT_THAT(std::string(user.at("properties").at("password").at("description").as_string()),
              HasSubstr("12 to 256 characters"));
  EXPECT_EQ(user.at("additionalProperties"), false);
  EXPECT_FALSE(user.contains("required"));
}

// Every $ref leads somewhere.
void ExpectResolved(const json::value& document, const json::value& value) {
  if (value.is_array()) {
    for (const json::value& one : value.as_array()) ExpectResolved(document, one);
  }
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.as_object()) {
    if (name != "$ref") {
      ExpectResolved(document, member);
      continue;
    }
    std::string pointer(member.as_string());
    boost::system::error_code ec;
    EXPECT_NE(document.find_pointer(pointer.substr(1), ec), nullptr) << pointer;
  }
}
TEST_F(OpenApiTest, RefersToWhatIsThere) {
  const json::value document = document_;
  ExpectResolved(document, document);
}

TEST_F(OpenApiTest, IsAPageWithoutScript) {
  const std::string page = RenderPage(document_, "/openapi.json", "/docs/style.css");
  for (const auto& route : routes_.routes())
    EXPECT_THAT(page, HasSubstr(absl::StrCat("<code>", route->http_method, " ", route->path)));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("style=")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
}

TEST(PageTest, Escapes) {
  const json::object document{{"info", {{"title", "<b>&\"x"}, {"description", "a `<i>` b"}}},
                              {"tags", json::array()},
                              {"paths", json::object()},
                              {"components", {{"schemas", json::object()}}}};
  const std::string page = RenderPage(document, "/o", "/s");
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;&quot;x"));
  EXPECT_THAT(page, HasSubstr("<p>a <code>&lt;i&gt;</code> b</p>"));
}

TEST(CommentsTest, SummaryIsTheFirstSentence) {
  EXPECT_EQ(SummaryOf("Creates a user. Errors: none."), "Creates a user");
  EXPECT_EQ(SummaryOf("Creates a user.\n\nMore."), "Creates a user");
  EXPECT_EQ(SummaryOf(""), "");
}

}  // namespace
}  // namespace florin::gateway
