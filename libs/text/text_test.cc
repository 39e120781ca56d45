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

// The examples of UAX #15, table 1 and figure 4.
TEST(NormalizeNfcTest, ComposesWhatIsTheSame) {
  EXPECT_THAT(NormalizeNfc(""), Optional(Eq("")));
  EXPECT_THAT(NormalizeNfc("rent"), Optional(Eq("rent")));
  EXPECT_THAT(NormalizeNfc("e\xcc\x81"), Optional(Eq("\xc3\xa9")));              // e + U+0301
  EXPECT_THAT(NormalizeNfc("\xe2\x84\xab"), Optional(Eq("\xc3\x85")));           // U+212B Angstrom
  EXPECT_THAT(NormalizeNfc("s\xcc\x87\xcc\xa3"), Optional(Eq("\xe1\xb9\xa9")));  // Reordered.
  EXPECT_THAT(NormalizeNfc("\xef\xac\x81"), Optional(Eq("\xef\xac\x81")));       // fi stays: not K.
}

TEST(NormalizeNfcTest, RefusesWhatIsNoUtf8) {
  EXPECT_THAT(NormalizeNfc("\xff"), Eq(std::nullopt));
  EXPECT_THAT(NormalizeNfc("\xed\xa0\x80"), Eq(std::nullopt));
  EXPECT_THAT(NormalizeNfc("a\xc3"), Eq(std::nullopt));
}

}  // namespace
}  // namespace florin
