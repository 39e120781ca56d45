#include "services/auth/domain/password.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

std::string Times(int count, const std::string& character) {
  std::string text;
  for (int i = 0; i < count; ++i) text += character;
  return text;
}

TEST(CheckPassword, CountsCodePoints) {
  for (const char* character : {"a", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"}) {
    EXPECT_THAT(CheckPassword(Times(11, character)), StatusHasReason(Reason::kWeakPassword));
    EXPECT_THAT(CheckPassword(Times(12, character)), IsOk());
    EXPECT_THAT(CheckPassword(Times(256, character)), IsOk());
    EXPECT_THAT(CheckPassword(Times(257, character)), StatusHasReason(Reason::kWeakPassword));
  }
}

TEST(CheckPassword, NamesTheFieldAndNotThePassword) {
  const absl::Status status = CheckPassword("hunter2");
  EXPECT_THAT(status, StatusHasParam("password"));
  EXPECT_EQ(status.ToString().find("hunter2"), std::string::npos);
}

TEST(CheckPassword, RefusesWhatIsNoText) {
  EXPECT_THAT(CheckPassword(""), StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(CheckPassword(Times(12, "\xff")), StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(CheckPassword("correct horse\nbattery"), StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(CheckPassword(std::string(12, '\0')), StatusHasReason(Reason::kWeakPassword));
}

std::string WhyNot(std::string_view password, std::string_view email = "ann.smith@example.com") {
  static const CommonPasswords common = {"password", "1q2w3e4r5t6y", "dragonfly", "letmein",
                                         "unbelievable"};
  const absl::Status status = CheckNewPassword(password, email, common);
  if (status.ok()) return "";
  EXPECT_THAT(status, StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(status, StatusHasParam("password"));
  return DetailOf(status).metadata.at("why");
}

TEST(CheckNewPassword, TakesWhatIsHardToGuess) {
  for (const std::string& password :
       {std::string("correct horse battery"), std::string("florin is a coin of gold"),
        std::string("unbelievable dragonfly"), std::string("my password is longer"),
        std::string("annual smithereens"), Times(64, "\xf0\x9f\x94\x91"),
        std::string("zxhq7-kp2ww-91vdt"), std::string("5e884898da28047151d0e56f8dc62927")}) {
    EXPECT_EQ(WhyNot(password), "") << password;
  }
}

TEST(CheckNewPassword, RefusesWhatIsGuessedFirst) {
  for (const char* password :
       {"1q2w3e4r5t6y", "1Q2W3E4R5T6Y", "unbelievable", "password1234", "P@ssw0rd2026!",
        "!!password!!", "unbel1evable", "2026-dragonfly", "UNBELIEVABLE2026"}) {
    EXPECT_EQ(WhyNot(password), "common") << password;
  }
}

TEST(CheckNewPassword, RefusesRepetition) {
  for (const char* password : {"aaaaaaaaaaaa", "abcabcabcabc", "abcabcabcabcab", "qwertyqwerty",
                               "123456789012", "abcdefghijklm", "987654321098", "123123123123"}) {
    EXPECT_EQ(WhyNot(password), "repeated") << password;
  }
  EXPECT_EQ(WhyNot("abcdefgabcdefg"), "");  // Seven are no short piece.
}

TEST(CheckNewPassword, RefusesNamesOfTheServiceAndTheUser) {
  for (const char* password :
       {"florin2026!!", "Florin-florin-1", "fl0r1n-2026-99", "ann.smith2026", "SmithSmith2026",
        "florin-ann-2026", "florinpassword", "smith-florin-77"}) {
    EXPECT_EQ(WhyNot(password), "context") << password;
  }
  EXPECT_EQ(WhyNot("ann.smith2026", "bob@example.com"), "");
  // Names of three letters are in too many words.
  EXPECT_EQ(WhyNot("annunciation-9", "ann@example.com"), "");
}

TEST(CheckNewPassword, HoldsToTheLength) {
  EXPECT_EQ(WhyNot("florin2026!"), "length");
  EXPECT_EQ(WhyNot(""), "length");
}

}  // namespace
}  // namespace florin::auth
