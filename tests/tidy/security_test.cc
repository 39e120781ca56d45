// docs/security.md claims only what a test shows: every row names tests, and they are there.
#include <regex>
#include <set>

#include "gtest/gtest.h"
#include "tests/tidy/source_tree.h"

namespace florin::tidy {
namespace {

// "Suite.Name" of every test of the tree, whatever makes it.
std::set<std::string> AllTests() {
  static const std::regex kTest("\\bTEST(?:_F|_P)?\\(\\s*([A-Za-z0-9_]+),\\s*([A-Za-z0-9_]+)\\)");
  static const std::regex kNodeTest("^ *test\\('([^']+)'");
  std::set<std::string> tests;
  for (const SourceFile& file : FilesEndingWith({"_test.cc"})) {
    const std::string text = file.Text();
    for (std::sregex_iterator at(text.begin(), text.end(), kTest), end; at != end; ++at)
      tests.insert((*at)[1].str() + "." + (*at)[2].str());
  }
  for (const SourceFile& file : FilesEndingWith({".test.mjs"})) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (std::regex_search(line, match, kNodeTest)) tests.insert(match[1]);
    }
  }
  return tests;
}

struct Row {
  std::string line;
  std::vector<std::string> cells;
};

// The rows of the tables whose last column is headed `tests`.
std::vector<Row> RequirementRows() {
  std::vector<Row> rows;
  bool in_table = false;
  for (const std::string& line : ReadSource("docs/security.md").lines) {
    if (!line.starts_with("|")) {
      in_table = false;
      continue;
    }
    if (line.ends_with("| tests |")) {
      in_table = true;
      continue;
    }
    if (!in_table || line.starts_with("|---")) continue;
    Row row{.line = line, .cells = {}};
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.cells.push_back(cell);
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> InBackticks(const std::string& cell) {
  static const std::regex kName("`([^`]+)`");
  std::vector<std::string> names;
  for (std::sregex_iterator at(cell.begin(), cell.end(), kName), end; at != end; ++at)
    names.push_back((*at)[1]);
  return names;
}

TEST(SecurityTable, EveryRequirementNamesTestsThatExist) {
  const std::set<std::string> tests = AllTests();
  const std::vector<Row> rows = RequirementRows();
  EXPECT_GT(rows.size(), 20u);
  for (const Row& row : rows) {
    ASSERT_EQ(row.cells.size(), 4u) << row.line;
    const std::vector<std::string> named = InBackticks(row.cells[3]);
    EXPECT_FALSE(named.empty()) << "no test: " << row.line;
    for (const std::string& name : named)
      EXPECT_TRUE(tests.contains(name)) << "there is no test " << name << ": " << row.line;
  }
}

TEST(SecurityTable, EveryPlaceExists) {
  for (const Row& row : RequirementRows()) {
    ASSERT_EQ(row.cells.size(), 4u) << row.line;
    for (const std::string& path : InBackticks(row.cells[2]))
      EXPECT_TRUE(Exists(path)) << path << ": " << row.line;
  }
}

TEST(SecurityTable, EveryRequirementHasItsOwnName) {
  std::set<std::string> names;
  for (const Row& row : RequirementRows())
    EXPECT_TRUE(names.insert(row.cells[0]).second) << row.line;
}

}  // namespace
}  // namespace florin::tidy
