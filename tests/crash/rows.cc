#include "tests/crash/rows.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

std::vector<std::vector<std::string>> Rows(const std::string& sql) {
  std::vector<std::vector<std::string>> rows;
  const std::string text = SharedStack().Query(sql);
  for (const absl::string_view row : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    rows.push_back(absl::StrSplit(row, '|'));
  }
  return rows;
}

std::int64_t NumberOf(const std::string& text) {
  std::int64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << "'" << text << "' is no number";
  return number;
}

}  // namespace florin::e2e
