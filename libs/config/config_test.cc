#include "libs/config/config.h"

#include <sys/stat.h>

#include <fstream>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::config {
namespace {

TEST(ReadSecretFile, RefusesWhatOthersCanRead) {
  const std::string path = ::testing::TempDir() + "/florin_config_test_secret";
  std::ofstream(path) << "s3cret";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_THAT(ReadSecretFile(path), StatusHasReason(Reason::kInternal));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(*ReadSecretFile(path), "s3cret");
  EXPECT_THAT(ReadFile(path + ".missing"), StatusHasReason(Reason::kInternal));
}

TEST(ParseFlagsAndArguments, GivesWhatIsNoFlag) {
  std::string program = "florin-test", one = "one", two = "two";
  char* argv[] = {program.data(), one.data(), two.data(), nullptr};
  EXPECT_EQ(ParseFlagsAndArguments(3, argv, "usage"), (std::vector<std::string>{"one", "two"}));
}

TEST(ExitIfErrorDeathTest, SaysWhatWasBeingDone) {
  EXPECT_EXIT(ExitIfError(Error(Reason::kInternal, "no such file"), "reading the key"),
              ::testing::ExitedWithCode(2), "reading the key: no such file");
}

}  // namespace
}  // namespace florin::config
