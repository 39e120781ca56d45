#include "services/gateway/http/conditional.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::Pair;

TEST(EntityTagTest, DependsOnEveryByte) {
  EXPECT_THAT(EntityTag("{}"), MatchesRegex("\"[A-Za-z0-9_-]{22}\""));
  EXPECT_EQ(EntityTag("{}"), EntityTag("{}"));
  EXPECT_NE(EntityTag("{}"), EntityTag("{} "));
}

TEST(EntityTagTest, IsFoundInLists) {
  struct Case {
    const char* field;
    bool names;
  };
  const Case cases[] = {{"\"a\"", true},
                        {"W/\"a\"", true},
                        {"*", true},
                        {"\"b\", \"a\"", true},
                        {"\"b,\\\",\"a\"", true},
                        {" , \"a\"", true},
                        {"\"b\"", false},
                        {"", false},
                        {"a", false},
                        {"\"a", false},
                        {"\"A\"", false},
                        {"w/\"a\"", false},
                        {"\"b\" a", false},
                        {"*, \"b\"", false}};
  for (const Case& c : cases) EXPECT_EQ(NamesTag(c.field, "\"a\""), c.names) << c.field;
}

TEST(AnswerConditionallyTest, SparesWhatTheClientHas) {
  Response first{.content_type = "application/json", .body = "{}"};
  AnswerConditionally(std::nullopt, first);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "{}");
  EXPECT_THAT(first.headers, Contains(Pair("ETag", EntityTag("{}"))));
  EXPECT_THAT(first.headers, Contains(Pair("Cache-Control", "private, no-cache")));

  Response again{.content_type = "application/json", .body = "{}"};
  AnswerConditionally(EntityTag("{}"), again);
  EXPECT_EQ(again.status, 304);
  EXPECT_THAT(again.body, IsEmpty());
  EXPECT_THAT(again.headers, Contains(Pair("ETag", EntityTag("{}"))));

  Response changed{.content_type = "application/json", .body = "{ }"};
  AnswerConditionally(EntityTag("{}"), changed);
  EXPECT_EQ(changed.status, 200);
}

TEST(AnswerConditionallyTest, LeavesWhatSaysItself) {
  Response page{.body = "x", .headers = {{"Cache-Control", "no-store"}}};
  AnswerConditionally(EntityTag("x"), page);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.headers, Not(Contains(Key("ETag"))));
}

}  // namespace
}  // namespace florin::gateway
