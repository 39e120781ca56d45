#include "libs/text/text.h"

#include <string>

#include "gmock/gmock.h"

namespace florin {
namespace {

using ::testing::Eq;
using ::testing::Optional;
using std::string_view_literals::operator""sv;

TEST(CountPlainCharactersTest, CountsCodePointsNotOctets) {
  EXPECT_THAT(CountPlainCharacters(""), Optional(Eq(0u)));
  EXPECT_THAT(CountPlainCharacters("rent"), Optional(Eq(4u)));
  EXPECT_THAT(CountPlainCharacters("Café €5"), Optional(Eq(7u)));
  EXPECT_THAT(CountPlainCharacters("\xf0\x9f\x92\xb6"), Optional(Eq(1u)));  // U+1F4B6
  EXPECT_THAT(CountPlainCharacters("\xf4\x8f\xbf\xbf"), Optional(Eq(1u)));  // U+10FFFF
  EXPECT_THAT(CountPlainCharacters("\xed\x9f\xbf\xee\x80\x80"),
              Optional(Eq(2u)));                                      // beside surrogates
  EXPECT_THAT(CountPlainCharacters("\xc2\xa0 ~"), Optional(Eq(3u)));  // beside controls
}

struct Case {
  const char* name;
  std::string_view text;
};

class RefusedTextTest : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedTextTest, HasNoLength) {
  EXPECT_THAT(CountPlainCharacters(GetParam().text), Eq(std::nullopt));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedTextTest,
    ::testing::Values(Case{"Nul", "a\0b"sv}, Case{"LineFeed", "a\nb"}, Case{"Tab", "\t"},
                      Case{"Escape", "\x1b[0m"}, Case{"Delete", "\x7f"},
                      Case{"FirstC1", "\xc2\x80"}, Case{"LastC1", "\xc2\x9f"},
                      Case{"LoneContinuation", "\x80"}, Case{"CutShort", "\xe2\x82"},
                      Case{"BrokenSequence", "\xe2\x28\xa1"}, Case{"OverlongSlash", "\xc0\xaf"},
                      Case{"OverlongThree", "\xe0\x80\xaf"},
                      Case{"OverlongFour", "\xf0\x80\x80\xaf"}, Case{"Surrogate", "\xed\xa0\x80"},
                      Case{"AboveUnicode", "\xf4\x90\x80\x80"}, Case{"NeverALead", "\xff"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace florin
