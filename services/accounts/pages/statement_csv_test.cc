#include "services/accounts/pages/statement_csv.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/accounts/pages/statement_example.h"

namespace florin::accounts {
namespace {

std::vector<std::vector<std::string>> Read(const std::string& csv) {
  std::vector<std::vector<std::string>> lines;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(csv, "\r\n"))) {
    lines.emplace_back(absl::StrSplit(line, ','));
  }
  return lines;
}

TEST(StatementCsvTest, HasALineForEachEntryBetweenTheBalances) {
  const auto lines = Read(StatementCsv(ExampleFacts(), ExampleStatement(2)));
  ASSERT_EQ(lines.size(), 6u);  // Names, opening, two entries, closing, nothing.
  EXPECT_EQ(lines[0].size(), 9u);
  EXPECT_EQ(lines[1],
            (std::vector<std::string>{"OPBD", "2026-03-01", "", "", "EUR", "100.00", "", "", ""}));
  EXPECT_EQ(lines[2], (std::vector<std::string>{
                          "CRDT", "2026-03-01", "2026-02-28", "7.01", "EUR", "107.01",
                          FormatId(IdKind::kTransaction, DeriveId("test", "0")), "", "1"}));
  EXPECT_EQ(lines[3][0], "DBIT");
  EXPECT_EQ(lines[3][3], "-3.00");
  EXPECT_EQ(lines[3][7], FormatId(IdKind::kPayment, DeriveId("test", "1")));
  EXPECT_EQ(lines[4],
            (std::vector<std::string>{"CLBD", "2026-03-31", "", "", "EUR", "104.01", "", "", ""}));
  EXPECT_EQ(lines[5], std::vector<std::string>{""});
}

TEST(StatementCsvTest, OpeningAndAmountsMakeTheClosing) {
  for (const char* currency : {"JPY", "EUR", "KWD", "CLF"}) {
    const auto lines = Read(StatementCsv(ExampleFacts(currency), ExampleStatement(101)));
    std::int64_t sum = 0;
    const auto minor = [](std::string text) {
      std::erase(text, '.');
      std::int64_t value = 0;
      EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << text;
      return value;
    };
    for (std::size_t i = 2; i + 2 < lines.size(); ++i) sum += minor(lines[i][3]);
    EXPECT_EQ(minor(lines[1][5]) + sum, minor(lines[lines.size() - 2][5])) << currency;
  }
}

TEST(StatementCsvTest, HasNoFieldThatASpreadsheetRuns) {
  StatementFacts facts = ExampleFacts();
  facts.account_name = facts.holder_name = "=HYPERLINK(\"https://evil.example\")";
  EXPECT_EQ(StatementCsv(facts, ExampleStatement(3)).find("HYPERLINK"), std::string::npos);
}

}  // namespace
}  // namespace florin::accounts
