// What a reader of the PDF sees, as poppler's pdftotext reads it.
#include "services/accounts/pages/statement_pdf.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "libs/money/decimal_text.h"
#include "libs/status/matchers.h"
#include "services/accounts/pages/statement_example.h"

namespace florin::accounts {
namespace {

using ::testing::HasSubstr;

constexpr char kFont[] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

// The pages' text, each line as it is laid out.
std::vector<std::string> PagesOf(const std::string& pdf) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      absl::StrCat("florin-statement-", SystemIds().NewId().ToString(), ".pdf");
  std::ofstream(path, std::ios::binary) << pdf;
  std::FILE* reader = popen(absl::StrCat("pdftotext -layout ", path.string(), " -").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), reader)) {
    text.append(buffer.data(), got);
  }
  EXPECT_EQ(pclose(reader), 0);
  std::filesystem::remove(path);
  std::vector<std::string> pages = absl::StrSplit(text, '\f');
  pages.pop_back();  // After the last form feed.
  return pages;
}

TEST(StatementPdfTest, ShowsWhoseItIsAndTheBalances) {
  const auto pdf = StatementPdf(ExampleFacts(), ExampleStatement(2), kFont);
  ASSERT_THAT(pdf, IsOk());
  const std::vector<std::string> pages = PagesOf(*pdf);
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_THAT(pages[0], HasSubstr("Zoë Łukasiewicz"));
  EXPECT_THAT(pages[0], HasSubstr("Ζωή, \"savings\""));
  EXPECT_THAT(pages[0], HasSubstr("2026-03-01 to 2026-03-31, UTC"));
  EXPECT_THAT(pages[0], HasSubstr("100.00 EUR"));
  EXPECT_THAT(pages[0], HasSubstr("104.01 EUR"));
  EXPECT_THAT(pages[0], HasSubstr(FormatId(IdKind::kTransaction, DeriveId("test", "0"))));
  EXPECT_THAT(pages[0], HasSubstr("Page 1 of 1"));
}

TEST(StatementPdfTest, HasEveryEntryOnceOverManyPages) {
  const AccountStatement statement = ExampleStatement(200);
  const auto pdf = StatementPdf(ExampleFacts(), statement, kFont);
  ASSERT_THAT(pdf, IsOk());
  const std::vector<std::string> pages = PagesOf(*pdf);
  ASSERT_GT(pages.size(), 3u);
  const Currency& currency = ExampleFacts().currency;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    EXPECT_THAT(pages[i], HasSubstr(absl::StrCat("Page ", i + 1, " of ", pages.size())));
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(pages[i], '\n'))) {
      const std::vector<std::string> words =
          absl::StrSplit(line, absl::ByAnyChar(" "), absl::SkipEmpty());
      // booked, value date, reference, amount, balance
      if (words.size() != 5 || !words[0].starts_with("2026-03-01")) continue;
      ASSERT_LT(next, statement.entries.size());
      EXPECT_EQ(words[3], DecimalText(statement.entries[next].amount_minor, currency));
      EXPECT_EQ(words[4], DecimalText(statement.entries[next].balance_after_minor, currency));
      ++next;
    }
  }
  EXPECT_EQ(next, statement.entries.size());
}

TEST(StatementPdfTest, AnEmptyOneSaysSo) {
  const auto pdf = StatementPdf(ExampleFacts("JPY"), MakeStatement(0, {}).value(), kFont);
  ASSERT_THAT(pdf, IsOk());
  EXPECT_THAT(PagesOf(*pdf)[0], HasSubstr("Nothing was booked in this period."));
}

TEST(StatementPdfTest, NamesThatAreTooLongOrNotUtf8DoNotBreakIt) {
  StatementFacts facts = ExampleFacts();
  for (const int i : {1, 2, 3}) facts.holder_name += facts.holder_name + std::to_string(i);
  EXPECT_THAT(StatementPdf(facts, ExampleStatement(1), kFont), IsOk());
  facts.account_name = "\xff\xc3";
  EXPECT_THAT(StatementPdf(facts, ExampleStatement(1), kFont), IsOk());
}

TEST(StatementPdfTest, AMissingFontIsAFault) {
  EXPECT_THAT(StatementPdf(ExampleFacts(), ExampleStatement(1), "/nowhere.ttf"),
              StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::accounts
