#include "services/auth/pages/csrf.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

constexpr char kOrigin[] = "https://bank.example";
constexpr char kSecret[] = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";

WebRequest Posted(const std::string& origin, const std::string& fetch_site,
                  const std::string& token) {
  WebRequest request;
  request.set_method("POST");
  request.set_origin(origin);
  request.set_fetch_site(fetch_site);
  if (!token.empty()) {
    http::v1::Parameter& field = *request.add_form();
    field.set_name("csrf");
    field.set_value(token);
  }
  return request;
}

TEST(CsrfTest, OriginAndFetchSiteDecideTogether) {
  const struct {
    const char* origin;
    const char* fetch_site;
    bool ok;
  } cases[] = {
      {kOrigin, "same-origin", true},
      {kOrigin, "", true},
      {"null", "same-origin", true},  // What browsers send under no-referrer.
      {"", "same-origin", true},
      {"", "", false},
      {"null", "", false},
      {kOrigin, "cross-site", false},
      {kOrigin, "same-site", false},
      {kOrigin, "none", false},
      {"null", "cross-site", false},
      {"https://evil.example", "same-origin", false},
      {"https://evil.example", "", false},
      {"https://bank.example.evil.example", "", false},
      {"https://bank.example:8443", "", false},
      {"http://bank.example", "", false},
      {"https://BANK.example", "", false},
      {"https://bank.example/", "", false},
      {"https://bank.example", "Same-Origin", false},
  };
  for (const auto& c : cases) {
    const absl::Status status =
        CheckForm(Posted(c.origin, c.fetch_site, FormToken(kSecret)), kOrigin, kSecret);
    EXPECT_EQ(status.ok(), c.ok) << c.origin << " " << c.fetch_site;
    EXPECT_EQ(CheckOrigin(Posted(c.origin, c.fetch_site, ""), kOrigin).ok(), c.ok);
    EXPECT_EQ(ReasonOf(status) == Reason::kForgedForm, !c.ok);
  }
}

TEST(CsrfTest, TheTokenIsTheCookiesOwn) {
  const auto check = [](const std::string& token, std::string_view secret = kSecret) {
    return CheckForm(Posted(kOrigin, "same-origin", token), kOrigin, secret);
  };
  EXPECT_THAT(check(FormToken(kSecret)), IsOk());
  EXPECT_THAT(check(""), StatusHasReason(Reason::kForgedForm));
  EXPECT_THAT(check("x"), StatusHasReason(Reason::kForgedForm));
  EXPECT_THAT(check(kSecret), StatusHasReason(Reason::kForgedForm));
  EXPECT_THAT(check(FormToken("another")), StatusHasReason(Reason::kForgedForm));
  EXPECT_THAT(check(FormToken(kSecret).substr(1)), StatusHasReason(Reason::kForgedForm));
  // Without a cookie there is no page that the form could be from.
  EXPECT_THAT(check(FormToken(""), ""), StatusHasReason(Reason::kForgedForm));

  WebRequest twice = Posted(kOrigin, "same-origin", FormToken(kSecret));
  *twice.add_form() = twice.form(0);
  EXPECT_THAT(CheckForm(twice, kOrigin, kSecret), StatusHasReason(Reason::kForgedForm));
}

TEST(CsrfTest, TheOriginOfTheIssuer) {
  EXPECT_EQ(OriginOf("https://bank.example"), "https://bank.example");
  EXPECT_EQ(OriginOf("https://localhost:8443/base/x"), "https://localhost:8443");
  EXPECT_EQ(OriginOf("bank.example"), "");
}

}  // namespace
}  // namespace florin::auth
