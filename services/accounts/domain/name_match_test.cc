#include "services/accounts/domain/name_match.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

struct NameCase {
  const char* given;
  const char* holder;
  NameMatch match;
};

constexpr NameMatch kMatch = NameMatch::kMatch;
constexpr NameMatch kClose = NameMatch::kCloseMatch;
constexpr NameMatch kNone = NameMatch::kNoMatch;

TEST(NameMatchRules, Table) {
  const NameCase cases[] = {
      {"Zoë O'Brien", "Zoë O'Brien", kMatch},
      {"zoe obrien", "Zoë O’Brien", kMatch},
      {"  ZOE   O.BRIEN ", "Zoë O'Brien", kMatch},
      {"O'Brien, Zoë", "Zoë O'Brien", kMatch},
      {"Ms Zoe O'Brien", "Zoë O'Brien", kMatch},
      {"Jürgen Weiß", "JUERGEN WEISS", kClose},  // ü is u, not ue: one letter more.
      {"Jurgen Weiss", "Jürgen Weiß", kMatch},
      {"Łukasz Øst", "Lukasz Ost", kMatch},
      {"Иван Петров", "ИВАН ПЕТРОВ", kMatch},
      {"Acme Limited", "ACME Ltd.", kMatch},
      {"Smith & Sons Ltd", "Smith and Sons Limited", kMatch},
      {"Anne-Marie Curie", "Anne Marie Curie", kMatch},
      {"Ｚｏｅ Brien", "Zoe Brien", kMatch},  // Full width.

      {"Annemarie Curie", "Anne Marie Curie", kClose},
      {"J Smith", "John Smith", kClose},
      {"John Smith", "J. Smith", kClose},
      {"John Smith", "John Michael Smith", kClose},
      {"Jon Smith", "John Smith", kClose},
      {"Jonh Smith", "John Smith", kClose},
      {"Joohn Smith", "John Smith", kClose},
      {"Jahn Smyth", "John Smith", kNone},  // Two faults in nine letters.
      {"Christofer Andersen", "Christopher Andersen", kClose},
      {"Acme Trading", "Acme Trading Ltd", kClose},

      {"Jane Smith", "John Smith", kNone},
      {"Smith", "John Smith", kNone},
      {"John", "John Smith", kNone},
      {"J S", "John Smith", kNone},
      {"Ann", "Dan", kNone},
      {"Mr", "Mr", kNone},
      {"", "John Smith", kNone},
      {"John Smith", "", kNone},
      {"...", "...", kNone},
      {"\xff\xfe", "John Smith", kNone},
      {"Completely Different", "John Smith", kNone},
  };
  for (const NameCase& c : cases) {
    EXPECT_EQ(NameOf(MatchNames(c.given, c.holder)), NameOf(c.match))
        << c.given << " / " << c.holder;
    // Whoever is asked.
    EXPECT_EQ(NameOf(MatchNames(c.holder, c.given)), NameOf(c.match))
        << c.holder << " / " << c.given;
  }
}

TEST(NameMatchRules, NamesAreRead) {
  for (const NameMatch match : {kMatch, kClose, kNone, NameMatch::kNotAvailable}) {
    EXPECT_EQ(ParseNameMatch(NameOf(match)).value(), match);
  }
  EXPECT_THAT(ParseNameMatch("maybe"), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::accounts
