#include "services/gateway/transcode/route_table.h"

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/transcode/test_protos.h"

namespace florin::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kPolicy[] =
    "option (florin.options.v1.policy) = { access: PUBLIC idempotency: SAFE callers: \"gateway\" "
    "};";

// A service with one method for each binding.
std::string ServiceWith(const std::vector<std::string>& bindings) {
  std::string proto =
      "message Empty {} message Request { string id = 1; string name = 2; Request inner = 3; "
      "repeated string list = 4; } service Test {";
  int number = 0;
  for (const std::string& binding : bindings) {
    absl::StrAppend(&proto, "rpc Method", ++number,
                    "(Request) returns (Empty) { option (google.api.http) = {", binding, "};",
                    kPolicy, "}");
  }
  return absl::StrCat(proto, "}");
}

Match Find(const RouteTable& table, std::string_view method, std::string_view target) {
  return table.Find(method, *ParseTarget(target));
}

TEST(RouteTableTest, PublishesEveryBoundMethodAndNoOther) {
  const auto table = RouteTable::Build(PublishedServices());
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->routes().size(), 25u);
  for (const auto& route : table->routes())
    EXPECT_EQ(route->rpc.find("LookUpAccounts"), std::string::npos);
}

TEST(RouteTableTest, FindsTheMethodOfARequest) {
  const auto table = RouteTable::Build(PublishedServices());
  ASSERT_THAT(table, IsOk());
  const Match match = Find(*table, "GET", "/v1/accounts/acc_1/entries?page_size=1");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->rpc, "/florin.accounts.v1.Accounts/ListAccountEntries");
  EXPECT_EQ(match.route->service, "accounts");
  EXPECT_EQ(match.route->path, "/v1/accounts/{account_id}/entries");
  EXPECT_FALSE(match.route->has_body);
  ASSERT_EQ(match.route->variables.size(), 1u);
  EXPECT_EQ(match.route->variables[0].segment, 2u);
  EXPECT_EQ(match.route->variables[0].name, "account_id");
  EXPECT_THAT(match.route->policy.scopes(), ElementsAre("accounts:read"));
  EXPECT_EQ(Find(*table, "GET", "/.well-known/jwks.json").route->service, "auth");
  EXPECT_TRUE(Find(*table, "POST", "/v1/payments").route->has_body);
}

TEST(RouteTableTest, TellsAMissingPathFromAMissingMethod) {
  const auto table = RouteTable::Build(PublishedServices());
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(Find(*table, "DELETE", "/v1/payments").allowed, ElementsAre("GET", "POST"));
  EXPECT_THAT(Find(*table, "POST", "/v1/payments/pay_1").allowed, ElementsAre("GET"));
  for (const char* path :
       {"/", "/v1", "/v1/", "/v1/nothing", "/v1/payments/", "/v1/payments/pay_1/x", "/V1/payments",
        "/v1//payments", "//v1/payments", "/v1/payments:cancel", "/v1/payments/pay_1:cancel"}) {
    const Match match = Find(*table, "GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_THAT(match.allowed, ElementsAre()) << path;
  }
}

TEST(RouteTableTest, PrefersALiteralOfAnotherMethod) {
  const TestProtos protos(ServiceWith(
      {"get: \"/v1/things/{id}\"", "post: \"/v1/things/batch\" body: \"*\"",
       "post: \"/v1/things/{id}:cancel\" body: \"*\"",
       "get: \"/v1/things/{inner.id}/x\" additional_bindings { get: \"/v1/x/{id}\" }"}));
  const auto table = RouteTable::Build({protos.Service()});
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(Find(*table, "GET", "/v1/things/batch").route->path, "/v1/things/{id}");
  EXPECT_EQ(Find(*table, "POST", "/v1/things/batch").route->path, "/v1/things/batch");
  EXPECT_EQ(Find(*table, "POST", "/v1/things/1:cancel").route->path, "/v1/things/{id}:cancel");
  EXPECT_EQ(Find(*table, "GET", "/v1/things/1/x").route->variables[0].field.size(), 2u);
  EXPECT_EQ(Find(*table, "GET", "/v1/x/1").route->rpc, "/florin.test.v1.Test/Method4");
}

struct BadTable {
  std::string proto;
  const char* message;
};

TEST(RouteTableTest, RefusesWhatItCannotServe) {
  const auto method = [](const std::string& policy, const std::string& request = "Request") {
    return absl::StrCat(
        "message Request { string id = 1; } message Float { double d = 1; } message Holder { "
        "repeated Float f = 1; }"
        "message Count { map<string, int64> m = 1; } service Test { rpc A(",
        request, ") returns (Request) { option (google.api.http) = { get: \"/v1/a\" };", policy,
        "} }");
  };
  const BadTable cases[] = {
      {ServiceWith({"get: \"/v1/{id}\"", "get: \"/v1/{name}\""}), "can match what"},
      {ServiceWith({"get: \"/v1/{id}\"", "get: \"/v1/things\""}), "can match what"},
      {ServiceWith({"get: \"/v1/{id}/x\"", "get: \"/v1/things/{id}\""}), "can match what"},
      {ServiceWith({"get: \"/v1/{nothing}\""}), "names no single scalar field"},
      {ServiceWith({"get: \"/v1/{inner}\""}), "names no single scalar field"},
      {ServiceWith({"get: \"/v1/{list}\""}), "names no single scalar field"},
      {ServiceWith({"get: \"/v1/{id=*}\""}), "a variable must be"},
      {ServiceWith({"get: \"/v1/**\""}), "cannot have the segment"},
      {ServiceWith({"get: \"/v1/*\""}), "cannot have the segment"},
      {ServiceWith({"get: \"v1\""}), "must begin with a slash"},
      {ServiceWith({"get: \"/v1/\""}), "cannot have the segment"},
      {ServiceWith({"get: \"/v1/a:\""}), "the custom method"},
      {ServiceWith({"get: \"/v1/a\" body: \"*\""}), "a GET has no body"},
      {ServiceWith({"post: \"/v1/a\" body: \"inner\""}), "the body must be"},
      {ServiceWith({"get: \"/v1/a\" response_body: \"x\""}), "response_body"},
      {ServiceWith({"custom { kind: \"X\" path: \"/v1/a\" }"}), "names no method"},
      {method(""), "must have access PUBLIC or USER"},
      {method("option (florin.options.v1.policy) = { access: SERVICE idempotency: SAFE callers: "
              "\"gateway\" };"),
       "must have access PUBLIC or USER"},
      {method("option (florin.options.v1.policy) = { access: USER callers: \"gateway\" };"),
       "how a retry is recognised"},
      {method("option (florin.options.v1.policy) = { access: USER idempotency: SAFE callers: "
              "\"payments\" };"),
       "do not include the gateway"},
      {method(kPolicy, "stream Request"), "cannot have an HTTP binding"},
      {"message Request { string id = 1; } service Test { rpc A(Request) returns (stream Request) {"
       "option (google.api.http) = { get: \"/v1/a\" };" +
           std::string(kPolicy) + "} }",
       "cannot have an HTTP binding"},
      {method(kPolicy, "Float"), "does not know this type"},
      {method(kPolicy, "Holder"), "does not know this type"},
      {method(kPolicy, "Count"), "does not know this type"},
  };
  for (const BadTable& c : cases) {
    const TestProtos protos(c.proto);
    const auto table = RouteTable::Build({protos.Service()});
    ASSERT_THAT(table, StatusHasReason(Reason::kInternal)) << c.proto;
    EXPECT_THAT(std::string(table.status().message()), HasSubstr(c.message));
  }
}

TEST(RouteTableTest, AMethodThatStreamsWithoutABindingHasNoRoute) {
  const TestProtos protos(
      absl::StrCat("message Request { string id = 1; } service Test { rpc A(Request) returns "
                   "(stream Request) {",
                   kPolicy, "} }"));
  const auto table = RouteTable::Build({protos.Service()});
  ASSERT_THAT(table, IsOk());
  EXPECT_TRUE(table->routes().empty());
}

// A row of the table in docs/api.md for `route`.
std::string Row(const Route& route) {
  std::vector<std::string> needs;
  for (const std::string& scope : route.policy.scopes())
    needs.push_back(absl::StrCat("`", scope, "`"));
  if (route.policy.idempotency() == options::v1::MethodPolicy::KEY)
    needs.push_back("`Idempotency-Key`");
  const std::string rpc = route.rpc.substr(std::string("/florin.").size());
  return absl::StrCat("| `", route.http_method, " ", route.path, "` | `", rpc, "` | ",
                      needs.empty() ? "–" : absl::StrJoin(needs, ", "), " |");
}

TEST(DocumentationTest, HasEveryRouteAndNoOther) {
  const auto table = RouteTable::Build(PublishedServices());
  ASSERT_THAT(table, IsOk());
  std::vector<std::string> expected;
  for (const auto& route : table->routes()) expected.push_back(Row(*route));
  std::ifstream page(std::string(std::getenv("FLORIN_SOURCE_DIR")) + "/docs/api.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (line.find("` | `") != std::string::npos) rows.push_back(line);
  }
  EXPECT_THAT(rows, ::testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace florin::gateway
