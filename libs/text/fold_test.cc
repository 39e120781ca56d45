#include "libs/text/fold.h"

#include "gtest/gtest.h"

namespace florin {
namespace {

using Words = std::vector<std::u32string>;

TEST(FoldedWordsTest, Table) {
  const std::pair<const char*, Words> cases[] = {
      {"", {}},
      {" - . ", {}},
      {"Zo\u00eb O'Brien", {U"zoe", U"obrien"}},
      {"Zoe\u0308 O\u2019BRIEN", {U"zoe", U"obrien"}},  // The marks apart.
      {"J.P. Smith-Jones", {U"jp", U"smith", U"jones"}},
      {"Stra\u00dfe \u00c6gir \u00d8st \u0141\u00f3d\u017a",
       {U"strasse", U"aegir", U"ost", U"lodz"}},
      {"\uff21\uff22\uff11", {U"ab1"}},  // Full width.
      {"\u0391\u0393\u0393\u0395\u039b\u039f\u03a3",
       {U"\u03b1\u03b3\u03b3\u03b5\u03bb\u03bf\u03c3"}},
      {"\u5c71\u7530 \u592a\u90ce", {U"\u5c71\u7530", U"\u592a\u90ce"}},
  };
  for (const auto& [text, words] : cases) EXPECT_EQ(FoldedWords(text), words) << text;
}

TEST(FoldedWordsTest, WhatIsNoUtf8HasNone) {
  for (const char* text : {"\xff", "a\xc3", "\xed\xa0\x80"}) {
    EXPECT_EQ(FoldedWords(text), std::nullopt);
  }
}

}  // namespace
}  // namespace florin
