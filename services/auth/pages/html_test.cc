#include "services/auth/pages/html.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What has broken out of markup somewhere, sometime.
const std::string kAttacks[] = {
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</p><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "` onclick=alert(1) `",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "<!--",
    "--><script>",
    "]]><script>",
    "<![CDATA[",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    std::string("<\0script>", 9),
    "\xC0\xBCscript\xC0\xBE",  // < and > as overlong UTF-8
    "\xE0\x80\xBCscript",      // the same in three octets
    "\xE2\x80",                // cut short: would swallow the quote that follows
    "\xC2\" onload=x",         // a lead octet before a quote
    "+ADw-script+AD4-",        // UTF-7
    "\x1b$B<script>\x1b(B",    // ISO-2022-JP
    "\xED\xA0\x80",            // a surrogate
    "\r\nSet-Cookie: a=b",
    "a\xE2\x80\xA8"
    "b",  // U+2028
};

// All that is between `before` and `after` in `markup`.
std::string Between(const std::string& markup, const std::string& before,
                    const std::string& after) {
  EXPECT_TRUE(markup.starts_with(before)) << markup;
  EXPECT_TRUE(markup.ends_with(after)) << markup;
  return markup.substr(before.size(), markup.size() - before.size() - after.size());
}

void ExpectInert(const std::string& escaped, const std::string& attack) {
  EXPECT_EQ(escaped.find_first_of("<>\"'"), std::string::npos) << attack;
  EXPECT_EQ(escaped.find_first_of(std::string("\0\x1b\r", 3)), std::string::npos) << attack;
  // Every ampersand begins one of our references.
  for (std::size_t at = escaped.find('&'); at != std::string::npos;
       at = escaped.find('&', at + 1)) {
    const std::string rest = escaped.substr(at, 6);
    EXPECT_TRUE(rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;") ||
                rest.starts_with("&quot;") || rest.starts_with("&#39;"))
        << attack << " became " << escaped;
  }
  EXPECT_EQ(escaped.find("\xC0"), std::string::npos);
  EXPECT_EQ(escaped.find("\xE0\x80"), std::string::npos);
}

TEST(HtmlTest, TextIsInert) {
  for (const std::string& attack : kAttacks) {
    ExpectInert(Between(Element("p", {}, attack).markup(), "<p>", "</p>"), attack);
    ExpectInert(Between(Element("title", {}, attack).markup(), "<title>", "</title>"), attack);
    ExpectInert(Html(attack).markup(), attack);
    ExpectInert(Together(attack, "", attack).markup(), attack);
  }
}

TEST(HtmlTest, AttributeValuesAreInert) {
  for (const std::string& attack : kAttacks) {
    ExpectInert(Between(Element("input", {{"value", attack}}).markup(), "<input value=\"", "\">"),
                attack);
    ExpectInert(Between(Element("p", {{"id", "a"}, {"title", attack}, {"class", "b"}}).markup(),
                        "<p id=\"a\" title=\"", "\" class=\"b\"></p>"),
                attack);
  }
}

TEST(HtmlTest, TitlesOfDocumentsAreInert) {
  const Markup::Files files = {.stylesheet = "/a.css", .icon = "/a.svg"};
  for (const std::string& attack : kAttacks) {
    const std::string document = Markup::Document(attack, files, Element("p", {}, attack));
    const std::size_t at = document.find("<title>") + 7;
    ExpectInert(document.substr(at, document.find(" · Florin</title>") - at), attack);
  }
}

TEST(HtmlTest, BadUtf8DoesNotSwallowWhatFollows) {
  EXPECT_EQ(Element("p", {{"title", "\xE2\x80"}}, "x").markup(),
            "<p title=\"\xEF\xBF\xBD\xEF\xBF\xBD\">x</p>");
  EXPECT_EQ(Html("\xC2\"").markup(), "\xEF\xBF\xBD&quot;");
}

TEST(HtmlTest, KeepsWhatPeopleWrite) {
  EXPECT_EQ(Html("Zoë 漢字 😀 a\nb").markup(), "Zoë 漢字 😀 a\nb");
  EXPECT_EQ(Html("A & B").markup(), "A &amp; B");
}

TEST(HtmlTest, BuildsElements) {
  EXPECT_EQ(
      Element("a", {Attribute::Href("/auth/login"), {"class", "x"}}, "Go ", Element("b", {}, "on"))
          .markup(),
      "<a href=\"/auth/login\" class=\"x\">Go <b>on</b></a>");
  EXPECT_EQ(Element("input", {{"required"}}).markup(), "<input required>");
}

TEST(HtmlTest, ADocumentNamesItsFiles) {
  const Path script = "/auth/assets/a.js";
  const std::string document =
      Markup::Document("Log in", {.stylesheet = "/a.css", .icon = "/a.svg", .script = &script},
                       Element("main", {}, "x"));
  EXPECT_THAT(document, HasSubstr("<script defer src=\"/auth/assets/a.js\"></script>"));
  EXPECT_THAT(document, HasSubstr("<link rel=\"stylesheet\" href=\"/a.css\">"));
  EXPECT_THAT(document, HasSubstr("<main>x</main>"));
  const std::string without =
      Markup::Document("Log in", {.stylesheet = "/a.css", .icon = "/a.svg"}, Html());
  EXPECT_THAT(without, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace florin::auth
