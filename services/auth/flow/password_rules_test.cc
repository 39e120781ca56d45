#include "services/auth/flow/password_rules.h"

#include <cstdlib>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

std::string SourceFile(const std::string& path) {
  return std::string(std::getenv("FLORIN_SOURCE_DIR")) + "/" + path;
}

TEST(PasswordRules, TheListOfTheRepositoryHasWhatPeopleChoose) {
  const auto rules = PasswordRules::Load(SourceFile("services/auth/data/common-passwords.txt"));
  ASSERT_THAT(rules, IsOk());
  for (const char* password : {"qwerty123456", "1q2w3e4r5t6y", "Password1234!", "unbelievable",
                               "iloveyou2026", "Liverpool-2026", "justinbieber"}) {
    EXPECT_THAT(rules->Check(password, "ann@example.com"), StatusHasReason(Reason::kWeakPassword))
        << password;
  }
  for (const char* password :
       {"correct horse battery", "0df1b6f8a7c2445f9d3e1a2b3c4d5e6f", "sieben Wiesel im Nebel"}) {
    EXPECT_THAT(rules->Check(password, "ann@example.com"), IsOk()) << password;
  }
}

// Twelve characters as typed, eleven when composed.
TEST(PasswordRules, CountsInNormalizationFormC) {
  const PasswordRules rules{CommonPasswords{}};
  EXPECT_THAT(rules.Check("tartufo ne\xcc\x81r", "ann@example.com"),
              StatusHasReason(Reason::kWeakPassword));
  EXPECT_THAT(rules.Check("tartufo ne\xcc\x81ro", "ann@example.com"), IsOk());
  EXPECT_THAT(rules.Check("tartufo nero\xff", "ann@example.com"),
              StatusHasReason(Reason::kWeakPassword));
}

TEST(PasswordRules, AMissingOrEmptyListIsAnError) {
  EXPECT_THAT(PasswordRules::Load("/nowhere"), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(PasswordRules::Load("/dev/null"), StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::auth
