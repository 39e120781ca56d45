#include "services/gateway/transcode/uri.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ParseTargetTest, ReadsPathVerbAndQuery) {
  const auto target =
      ParseTarget("/v1/a%20b/pay_1:cancel?page_size=10&x=a%26b+c&empty=&bare&&y=/?:@");
  ASSERT_THAT(target, IsOk());
  EXPECT_THAT(target->segments, ElementsAre("v1", "a b", "pay_1"));
  EXPECT_EQ(target->verb, "cancel");
  EXPECT_THAT(target->query, ElementsAre(Pair("page_size", "10"), Pair("x", "a&b c"),
                                         Pair("empty", ""), Pair("bare", ""), Pair("y", "/?:@")));
}

TEST(ParseTargetTest, KeepsThePathAsItIs) {
  EXPECT_THAT(ParseTarget("/")->segments, ElementsAre(""));
  EXPECT_THAT(ParseTarget("/a/")->segments, ElementsAre("a", ""));
  EXPECT_THAT(ParseTarget("//a")->segments, ElementsAre("", "a"));
  EXPECT_THAT(ParseTarget("/a+b")->segments, ElementsAre("a+b"));
  EXPECT_THAT(ParseTarget("/a:b/c")->segments, ElementsAre("a:b", "c"));
  EXPECT_THAT(ParseTarget("/.well-known/jwks.json")->segments,
              ElementsAre(".well-known", "jwks.json"));
  EXPECT_THAT(ParseTarget("/a%3Ab")->segments, ElementsAre("a:b"));
  EXPECT_EQ(ParseTarget("/a%3Ab")->verb, "");
  EXPECT_THAT(ParseTarget("/%C3%A9")->segments, ElementsAre("é"));
}

TEST(ParseTargetTest, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* target : {"",         "*",         "v1",      "http://localhost/v1",
                             "/a#b",     "/a b",      "/\x01",   "/a\\b",
                             "/a%2Fb",   "/a%2fb",    "/../a",   "/a/..",
                             "/./a",     "/%2e%2E/a", "/a/%2e",  "/a%",
                             "/a%2",     "/a%zz",     "/a%00",   "/a%0d%0a",
                             "/a%7f",    "/%ff",      "/%c0%ae", "/\xc3\xa9",
                             "/a\"b",    "/a<b",      "/a^b",    "/a|b",
                             "/a{b}",    "/a?b#c",    "/a?b=%",  "/a?b=%0a",
                             "/a?b=%ff", "/a?b c",    "/a?b=\"", "/..:x"}) {
    EXPECT_THAT(ParseTarget(target), StatusHasReason(Reason::kMalformedRequest)) << target;
  }
}

}  // namespace
}  // namespace florin::gateway
