#include "services/gateway/transcode/request_reader.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/transcode/test_protos.h"

namespace florin::gateway {
namespace {

constexpr char kService[] = R"(
  service Test {
    rpc Get(Everything) returns (Everything) {
      option (google.api.http) = { get: "/v1/things/{text}/{big}" };
      option (florin.options.v1.policy) = { access: PUBLIC idempotency: SAFE callers: "gateway" };
    }
    rpc Change(Everything) returns (Everything) {
      option (google.api.http) = { post: "/v1/things/{inner.name}:change" body: "*" };
      option (florin.options.v1.policy) = { access: PUBLIC idempotency: SAFE callers: "gateway" };
    }
  })";

class RequestReaderTest : public testing::Test {
 protected:
  absl::Status Read(std::string_view method, std::string_view target_text,
                    std::string_view body = "") {
    const Target target = *ParseTarget(target_text);
    const Match match = table_.Find(method, target);
    EXPECT_NE(match.route, nullptr);
    message_ = protos_.New("Everything");
    return ReadRequest(*match.route, target, body, *message_);
  }
  std::string Text() const { return message_->ShortDebugString(); }

  TestProtos protos_{absl::StrCat(kEverything, kService)};
  RouteTable table_ = *RouteTable::Build({protos_.Service()});
  std::unique_ptr<google::protobuf::Message> message_;
};

TEST_F(RequestReaderTest, FillsPathVariablesAndParameters) {
  ASSERT_THAT(
      Read("GET",
           "/v1/things/a%20b/-5?small=3&flag=true&color=RED&names=x&names=y&amount.currency=EUR"
           "&create_time=1970-01-01T00:00:01Z"),
      IsOk());
  EXPECT_EQ(Text(), R"(text: "a b" big: -5 small: 3 flag: true color: RED names: "x" names: "y" )"
                    R"(create_time { seconds: 1 } )"
                    R"(amount { currency: "EUR" })");
}

TEST_F(RequestReaderTest, AppliesThePathAfterTheBody) {
  ASSERT_THAT(Read("POST", "/v1/things/a:change", R"({"text":"t"})"), IsOk());
  EXPECT_EQ(Text(), R"(text: "t" inner { name: "a" })");
  EXPECT_THAT(Read("POST", "/v1/things/a:change"), IsOk());
  EXPECT_THAT(Read("POST", "/v1/things/a:change", R"({"inner":{"name":"a"}})"), IsOk());
  const absl::Status contradicted =
      Read("POST", "/v1/things/a:change", R"({"inner":{"name":"b"}})");
  EXPECT_THAT(contradicted, StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(contradicted, StatusHasParam("inner.name"));
}

struct Refused {
  const char* method;
  const char* target;
  const char* body;
  Reason reason;
  const char* param;
};

TEST_F(RequestReaderTest, RefusesWhatTheRouteDoesNotHave) {
  const Refused cases[] = {
      {"GET", "/v1/things/a/x", "", Reason::kInvalidField, "big"},
      {"GET", "/v1/things/a/1", "{}", Reason::kMalformedRequest, ""},
      {"GET", "/v1/things/a/1?nothing=1", "", Reason::kUnknownField, "nothing"},
      {"GET", "/v1/things/a/1?text=b", "", Reason::kUnknownField, "text"},
      {"GET", "/v1/things/a/1?inner=b", "", Reason::kUnknownField, "inner"},
      {"GET", "/v1/things/a/1?items.name=b", "", Reason::kUnknownField, "items.name"},
      {"GET", "/v1/things/a/1?labels=b", "", Reason::kUnknownField, "labels"},
      {"GET", "/v1/things/a/1?create_time.seconds=1", "", Reason::kUnknownField,
       "create_time.seconds"},
      {"GET", "/v1/things/a/1?=1", "", Reason::kUnknownField, ""},
      {"GET", "/v1/things/a/1?small=1&small=1", "", Reason::kInvalidField, "small"},
      {"GET", "/v1/things/a/1?small=", "", Reason::kInvalidField, "small"},
      {"GET", "/v1/things/a/1?flag=1", "", Reason::kInvalidField, "flag"},
      {"GET", "/v1/things/a/1?color=1", "", Reason::kInvalidField, "color"},
      {"POST", "/v1/things/a:change?small=1", "{}", Reason::kUnknownField, "small"},
      {"POST", "/v1/things/a:change", "{", Reason::kMalformedJson, ""},
  };
  for (const Refused& c : cases) {
    const absl::Status status = Read(c.method, c.target, c.body);
    EXPECT_THAT(status, StatusHasReason(c.reason)) << c.target;
    EXPECT_THAT(status, StatusHasParam(c.param)) << c.target;
  }
}

}  // namespace
}  // namespace florin::gateway
