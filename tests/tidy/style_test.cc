// Line and function lengths, calls that are banned, and other things that people forget.
#include <regex>

#include "gtest/gtest.h"
#include "tests/tidy/source_tree.h"

namespace florin::tidy {
namespace {

constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kMaxFunctionLines = 70;

// Characters, not octets: continuation octets of UTF-8 do not count.
std::size_t Columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

TEST(Style, LinesHaveAtMostAHundredColumns) {
  for (const SourceFile& file : FilesEndingWith({".h", ".cc", ".inc", ".proto", ".sql"})) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_LE(Columns(file.lines[i]), kMaxColumns) << file.path << ":" << i + 1;
    }
  }
  EXPECT_EQ(Columns("é…"), 2u);
}

// The longest function at namespace level of a file formatted by clang-format: from the line at
// column 0 that begins it to the next `}` at column 0. What stands inside a class is not measured.
std::size_t LongestFunction(const std::vector<std::string>& lines) {
  static const std::regex kNoFunction(
      "(namespace|class|struct|enum|union|extern|constexpr|const|static const)\\b.*");
  std::size_t longest = 0;
  std::size_t head = 0;  // 1-based line that began what we are in; 0 outside of a function
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.starts_with("}")) {
      if (head != 0) longest = std::max(longest, i + 2 - head);
      head = 0;
    } else if (!line.empty() && std::string(" #/").find(line[0]) == std::string::npos) {
      head = std::regex_match(line, kNoFunction) ? 0 : i + 1;
    }
  }
  return longest;
}

TEST(Style, FunctionsAreShortEnoughToSeeWhole) {
  for (const SourceFile& file : FilesEndingWith({".cc"})) {
    if (file.path.ends_with("_test.cc")) continue;  // Tables of cases: one line each, all in sight.
    EXPECT_LE(LongestFunction(file.lines), kMaxFunctionLines) << file.path;
  }
  std::vector<std::string> sample = {"void F() {"};
  sample.resize(kMaxFunctionLines + 1, "  G();");
  sample.push_back("}");
  EXPECT_GT(LongestFunction(sample), kMaxFunctionLines);
}

struct Ban {
  const char* pattern;
  const char* instead;
  std::vector<std::string> allowed;  // Path prefixes
  const char* bad_sample;
};

const std::vector<Ban>& Bans() {
  static const std::vector<Ban> bans = {
      {R"(system_clock::now|absl::Now\()",
       "an injected Clock",
       {"libs/clock/", "libs/ids/", "tests/e2e/", "tests/crash/", "tests/bench/", "tests/tidy/"},
       "auto t = std::chrono::system_clock::now();"},
      {R"(random_device|RAND_bytes|\brand\(\))",
       "an injected IdSource or crypto::RandomOctets",
       {"libs/ids/", "libs/crypto/", "tests/"},
       "std::random_device device;"},
      {R"(sleep_for|\busleep\(|\bsleep\()",
       "async::Sleep, or waiting for a condition",
       {"libs/pg/pool.cc", "libs/testing/postgres.cc", "tests/crash/", "tests/e2e/", "tests/tidy/",
        "tests/bench/"},
       "std::this_thread::sleep_for(1s);"},
      {R"(co_await [^;"]*[(,] ?([A-Za-z_:]+)?\{)",
       "a named variable: GCC 12 miscompiles the brace",
       {"tests/tidy/"},
       "co_await store.Insert(Payment{id});"},
      {R"(SELECT \*)", "named columns", {"tests/tidy/"}, "SELECT * FROM payments"},
      {R"(\b(float|double)\b.*(amount|balance|minor))",
       "integer minor units",
       {"tests/tidy/"},
       "double amount = 1.5;"},
      {R"(BEGIN (EC |RSA )?PRIVATE KEY)",
       "keys made when needed, never committed",
       {"tests/tidy/", "libs/crypto/"},
       "-----BEGIN PRIVATE KEY-----"},
  };
  return bans;
}

bool MayContain(const Ban& ban, const std::string& path) {
  return std::any_of(ban.allowed.begin(), ban.allowed.end(),
                     [&path](const std::string& prefix) { return path.starts_with(prefix); });
}

TEST(Style, NoBannedCalls) {
  for (const Ban& ban : Bans()) {
    const std::regex pattern(ban.pattern);
    EXPECT_TRUE(std::regex_search(ban.bad_sample, pattern)) << ban.bad_sample;
    for (const SourceFile& file : FilesEndingWith({".h", ".cc", ".sql", ".sh"})) {
      if (MayContain(ban, file.path)) continue;
      for (std::size_t i = 0; i < file.lines.size(); ++i) {
        EXPECT_FALSE(std::regex_search(file.lines[i], pattern))
            << file.path << ":" << i + 1 << ": use " << ban.instead;
      }
    }
  }
}

TEST(Style, EveryHeaderOpensWithWhatItIsFor) {
  for (const SourceFile& file : FilesEndingWith({".h"})) {
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_TRUE(file.lines[0].starts_with("//")) << file.path << " begins without a comment";
    EXPECT_NE(file.Text().find("#pragma once"), std::string::npos) << file.path;
  }
}

TEST(Style, MainOnlyWires) {
  for (const SourceFile& file : FilesEndingWith({"/main.cc"})) {
    EXPECT_LE(file.lines.size(), 120u) << file.path;
  }
}

}  // namespace
}  // namespace florin::tidy
