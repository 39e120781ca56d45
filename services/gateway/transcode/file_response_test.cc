#include "services/gateway/transcode/file_response.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::gateway {
namespace {

http::v1::File FileOf(const std::string& type, const std::string& name) {
  http::v1::File file;
  file.set_content_type(type);
  file.set_name(name);
  return file;
}

TEST(FileResponseTest, HasATypeThatNoBrowserRuns) {
  for (const std::string_view type : FileTypes()) {
    EXPECT_THAT(CheckFile(FileOf(std::string(type), "a.csv")), IsOk());
  }
  for (const char* type : {"text/html", "application/pdf\r\nX: y", "image/svg+xml", ""}) {
    EXPECT_THAT(CheckFile(FileOf(type, "a.csv")), StatusHasReason(Reason::kInternal)) << type;
  }
}

TEST(FileResponseTest, HasANameThatStandsInAHeader) {
  EXPECT_THAT(CheckFile(FileOf("application/pdf", "A-9_z.pdf")), IsOk());
  for (const char* name : {"", "a b", "a\"", "a\n", "../a", "\xc3\xa4"}) {
    EXPECT_THAT(CheckFile(FileOf("application/pdf", name)), StatusHasReason(Reason::kInternal))
        << name;
  }
  EXPECT_THAT(CheckFile(FileOf("application/pdf", std::string(101, 'a'))),
              StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::gateway
