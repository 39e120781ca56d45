#include "services/auth/pages/web.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/auth/pages/assets.h"
#include "services/auth/pages/qr_code.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> HeadersNamed(const WebResponse& response, const std::string& name) {
  std::vector<std::string> values;
  for (const http::v1::Parameter& header : response.headers()) {
    if (header.name() == name) values.push_back(header.value());
  }
  return values;
}

void Add(google::protobuf::RepeatedPtrField<http::v1::Parameter>* to, const std::string& name,
         const std::string& value) {
  http::v1::Parameter& parameter = *to->Add();
  parameter.set_name(name);
  parameter.set_value(value);
}

TEST(WebRequestTest, AFieldThatIsThereTwiceIsNotThere) {
  WebRequest request;
  Add(request.mutable_form(), "email", "a");
  Add(request.mutable_form(), "password", "b");
  Add(request.mutable_form(), "password", "c");
  EXPECT_EQ(FormField(request, "email"), "a");
  EXPECT_EQ(FormField(request, "password"), "");
  EXPECT_EQ(FormField(request, "code"), "");
}

TEST(WebRequestTest, CookiesAreBase64Url) {
  WebRequest request;
  Add(request.mutable_cookies(), "__Host-a", "aZ09-_");
  Add(request.mutable_cookies(), "__Host-b", "a b");
  Add(request.mutable_cookies(), "__Host-c", std::string(129, 'a'));
  EXPECT_EQ(CookieOf(request, "__Host-a"), "aZ09-_");
  EXPECT_EQ(CookieOf(request, "__Host-b"), "");
  EXPECT_EQ(CookieOf(request, "__Host-c"), "");
}

TEST(WebResponseTest, CookiesAreOfThisHostOnly) {
  WebResponse response = SeeOther("/auth/login");
  SetCookie(response, kSessionCookie, "abc");
  SetCookie(response, kLoginCookie, "def", absl::Minutes(15));
  ClearCookie(response, kResetCookie);
  EXPECT_THAT(
      HeadersNamed(response, "Set-Cookie"),
      ElementsAre("__Host-florin-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax",
                  "__Host-florin-login=def; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax",
                  "__Host-florin-reset=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"));
}

TEST(WebResponseTest, EveryAnswerHasItsGuards) {
  for (const WebResponse& response :
       {PageResponse(200, "x"), PageResponse(403, "x"), SeeOther("/auth/login"),
        SeeApp("https://app.example/cb?code=1"), AssetResponse("/auth/assets/none")}) {
    EXPECT_THAT(HeadersNamed(response, "Content-Security-Policy"),
                ElementsAre("default-src 'none'; style-src 'self'; script-src 'self'; img-src "
                            "'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"));
    EXPECT_THAT(HeadersNamed(response, "Referrer-Policy"), ElementsAre("no-referrer"));
    EXPECT_THAT(HeadersNamed(response, "Cache-Control"), ElementsAre("no-store"));
    EXPECT_NE(response.status(), 307);
  }
}

TEST(WebResponseTest, AFormMayLeadToTheAppsOrigin) {
  EXPECT_THAT(HeadersNamed(PageResponse(200, "x", FormTargetOf("https://app.example/cb?x=1")),
                           "Content-Security-Policy")[0],
              HasSubstr("form-action 'self' https://app.example; frame-ancestors"));
}

TEST(FormTargetTest, IsAnOriginOrASchemeAndNothingElse) {
  const struct {
    const char* uri;
    const char* target;
    const char* destination;
  } cases[] = {
      {"https://app.example/cb", "https://app.example", "app.example"},
      {"https://app.example:8443", "https://app.example:8443", "app.example:8443"},
      {"http://127.0.0.1:51004/cb", "http://127.0.0.1:51004", "127.0.0.1:51004"},
      {"http://[::1]:51004/cb", "http://[::1]:51004", "[::1]:51004"},
      {"com.example.app:/cb", "com.example.app:", "com.example.app"},
      {"https://app.example; script-src *", "", ""},
      {"https://a.example 'unsafe-inline'", "", ""},
      {"https://a.example,b/", "", ""},
      {"https://*/cb", "", ""},
      {"https:///cb", "", ""},
      {"https:app", "", ""},
      {"a b:/cb", "", ""},
      {"; :x", "", ""},
      {"", "", ""},
      {":", "", ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(FormTargetOf(c.uri), c.target) << c.uri;
    EXPECT_EQ(DestinationOf(c.uri), c.destination) << c.uri;
  }
}

TEST(AssetsTest, AreServedUnderTheirHashForEver) {
  for (const Path& path : {Assets::Stylesheet(), Assets::Script(), Assets::Icon()}) {
    const WebResponse response = AssetResponse(path.text());
    EXPECT_EQ(response.status(), 200);
    EXPECT_FALSE(response.body().empty());
    EXPECT_THAT(HeadersNamed(response, "Cache-Control"),
                ElementsAre("public, max-age=31536000, immutable"));
  }
  EXPECT_THAT(std::string(Assets::Stylesheet().text()),
              ::testing::MatchesRegex("/auth/assets/florin-[0-9a-f]{16}\\.css"));
  for (const char* path : {"/auth/assets/florin.css", "/auth/assets/florin-0123456789abcdef.css",
                           "/auth/assets/../main.cc", "/auth/assets/", ""}) {
    EXPECT_EQ(AssetResponse(path).status(), 404) << path;
  }
}

TEST(QrCodeTest, IsADrawingWithALabel) {
  const std::string svg = QrCode("otpauth://totp/Florin:a", "a \"label\"").markup();
  EXPECT_TRUE(
      svg.starts_with("<svg viewbox=\"0 0 33 33\" role=\"img\" aria-label=\"a "
                      "&quot;label&quot;\""))
      << svg.substr(0, 200);
  EXPECT_THAT(svg, HasSubstr("M4 4h7v1h-7z"));  // The top of the finder in the corner.
  EXPECT_TRUE(QrCode(std::string(3000, 'a'), "").empty());
}

}  // namespace
}  // namespace florin::auth
