#include "services/gateway/transcode/web_exchange.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr char kForm[] = "application/x-www-form-urlencoded";

http::v1::WebRequest Post() {
  http::v1::WebRequest request;
  request.set_method("POST");
  return request;
}

TEST(ReadCookiesTest, TakesTheHostsOwnCookiesAndNoOthers) {
  const auto cookies = ReadCookies("a=1; __Host-florin-session=x=y; __host-b=2; __Host-c=; d");
  ASSERT_THAT(cookies, IsOk());
  EXPECT_THAT(*cookies, ElementsAre(Pair("__Host-florin-session", "x=y"), Pair("__Host-c", "")));
  EXPECT_THAT(*ReadCookies(""), IsEmpty());
}

TEST(ReadCookiesTest, RefusesACookieThatIsThereTwice) {
  EXPECT_THAT(ReadCookies("__Host-a=1; b=2; __Host-a=1"),
              StatusHasReason(Reason::kMalformedRequest));
}

TEST(ReadParametersTest, ReadsQueryAndForm) {
  http::v1::WebRequest request = Post();
  ASSERT_THAT(
      ReadParameters(*ParseTarget("/x?a=1&a=2"), kForm, "b=%7B%22c%22%3A1%7D&d=e+f", request),
      IsOk());
  ASSERT_EQ(request.query_size(), 2);
  EXPECT_EQ(request.query(1).name() + request.query(1).value(), "a2");
  ASSERT_EQ(request.form_size(), 2);
  EXPECT_EQ(request.form(0).value(), "{\"c\":1}");
  EXPECT_EQ(request.form(1).value(), "e f");
}

TEST(ReadParametersTest, TakesFormsOnlyAndOnlyWithPost) {
  const Target target = *ParseTarget("/x");
  for (const char* type : {"application/json", "text/plain", "multipart/form-data",
                           "application/x-www-form-urlencoded; charset=latin1"}) {
    http::v1::WebRequest request = Post();
    EXPECT_THAT(ReadParameters(target, type, "a=1", request),
                StatusHasReason(Reason::kUnsupportedMediaType))
        << type;
  }
  http::v1::WebRequest request = Post();
  EXPECT_THAT(ReadParameters(target, std::nullopt, "a=1", request),
              StatusHasReason(Reason::kUnsupportedMediaType));
  request.set_method("GET");
  EXPECT_THAT(ReadParameters(target, kForm, "a=1", request),
              StatusHasReason(Reason::kMalformedRequest));
}

TEST(ReadParametersTest, RefusesWhatIsNoForm) {
  for (const char* body : {"a=%", "a=%0d%0a", "a=%00", "a=%ff", "a b=1", "a=\"1\""}) {
    http::v1::WebRequest request = Post();
    EXPECT_THAT(ReadParameters(*ParseTarget("/x"), kForm, body, request),
                StatusHasReason(Reason::kMalformedRequest))
        << body;
  }
}

TEST(PrintableUserAgentTest, KeepsToPrintableAsciiAndLength) {
  EXPECT_EQ(PrintableUserAgent("curl/8\n\x1b[31m\xc3\xa9"), "curl/8??[31m??");
  EXPECT_EQ(PrintableUserAgent(std::string(300, 'a')).size(), 200u);
}

http::v1::WebResponse Page() {
  http::v1::WebResponse response;
  response.set_status(200);
  response.set_content_type("text/html; charset=utf-8");
  response.set_body("<p>");
  return response;
}

http::v1::WebResponse With(const std::string& name, const std::string& value) {
  http::v1::WebResponse response = Page();
  response.add_headers()->set_name(name);
  response.mutable_headers(0)->set_value(value);
  return response;
}

TEST(CheckWebResponseTest, LetsOnlyTheListedThrough) {
  EXPECT_THAT(CheckWebResponse(Page()), IsOk());
  EXPECT_THAT(CheckWebResponse(With("Set-Cookie", "__Host-a=1; Secure; Path=/")), IsOk());
  for (const auto& response :
       {With("Access-Control-Allow-Origin", "*"), With("set-cookie", "a=1"),
        With("Location", "/a\r\nX: y"), With("Location", "/\xc3\xa9"), With("ETag", "\x7f")}) {
    EXPECT_THAT(CheckWebResponse(response), StatusHasReason(Reason::kInternal))
        << response.ShortDebugString();
  }
  http::v1::WebResponse response = Page();
  response.set_status(307);
  EXPECT_THAT(CheckWebResponse(response), StatusHasReason(Reason::kInternal));
  response = Page();
  response.set_content_type("");
  EXPECT_THAT(CheckWebResponse(response), StatusHasReason(Reason::kInternal));
  response.set_content_type("text/html\r\nX: y");
  EXPECT_THAT(CheckWebResponse(response), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::gateway
