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

}  // namespace
}  // namespace florin::auth
