#include "libs/pg/array.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::pg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ArrayTest, IsAnEmptyLiteralBeforeTheFirstElement) { EXPECT_EQ(Array().literal(), "{}"); }

TEST(ArrayTest, WritesEveryType) {
  Array array;
  array.Add(std::int64_t{-9'223'372'036'854'775'807 - 1});
  array.Add(true);
  array.Add(false);
  array.Add(Uuid());
  array.Add("a \"b\" \\ {c},NULL");
  array.AddNull();
  array.Add("");
  EXPECT_EQ(array.literal(),
            "{-9223372036854775808,t,f,00000000-0000-0000-0000-000000000000,"
            "\"a \\\"b\\\" \\\\ {c},NULL\",NULL,\"\"}");
}

TEST(ParseArrayTest, ReadsWhatArrayWrites) {
  Array array;
  array.Add("plain");
  array.Add("a \"b\" \\ {c},NULL");
  array.Add("");
  array.Add(std::int64_t{7});
  const auto elements = ParseArray(array.literal());
  ASSERT_THAT(elements, IsOk());
  EXPECT_THAT(*elements, ElementsAre("plain", "a \"b\" \\ {c},NULL", "", "7"));
  EXPECT_THAT(*ParseArray("{}"), IsEmpty());
}

TEST(ParseArrayTest, RefusesWhatPostgresWouldNotWrite) {
  for (const char* literal :
       {"", "{", "}", "a", "{a", "a}", "{a,}", "{,a}", "{,}", "{\"a}", "{\"a\"b}", "{a\"b\"}",
        "{{a},{b}}", "{NULL}", "{a\\b}", "{\"a\\\"}"}) {
    EXPECT_THAT(ParseArray(literal), StatusHasReason(Reason::kInternal)) << literal;
  }
}

}  // namespace
}  // namespace florin::pg
