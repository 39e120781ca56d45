#include "services/payments/domain/posting_template.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/check.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "12.50", of a currency with two decimals.
std::string Decimal(std::int64_t minor) {
  const std::string cents = std::to_string(minor % 100);
  return std::to_string(minor / 100) + "." + std::string(2 - cents.size(), '0') + cents;
}

// "EUR Dr 2000 25.00 | Cr 2000 25.00": an example's entries in one of its currencies.
std::string Booked(const PostingTemplate& row, int currency) {
  std::string text(row.currencies[currency]);
  std::string separator = " ";
  for (const ChartEntry& entry : EntriesOf(row, ExampleOf(row))) {
    if (entry.currency != currency) continue;
    text += separator + (entry.side == Side::kDebit ? "Dr " : "Cr ") +
            std::to_string(ChartAccountOf(entry.role).number) + " " + Decimal(entry.amount_minor);
    separator = " | ";
  }
  return text;
}

// The reference: a worked set of bookings, as an accountant writes them.
constexpr std::pair<const char*, const char*> kBookings[] = {
    {"D1", "EUR Dr 1200 1000.00 | Cr 2000 1000.00"},
    {"D2", "EUR Dr 1000 1000.00 | Cr 1200 1000.00"},
    {"D3", "EUR Dr 1000 70.00 | Cr 2200 70.00"},
    {"D4", "EUR Dr 2200 40.00 | Cr 2000 40.00"},
    {"D5", "EUR Dr 2200 30.00 | Cr 2100 30.00"},
    {"D6", "EUR Dr 2100 30.00 | Cr 1000 30.00"},
    {"A1", "USD Dr 1200 300.00 | Cr 2010 300.00"},
    {"A2", "USD Dr 1000 300.00 | Cr 1200 300.00"},
    {"A3", "USD Dr 2010 300.00 | Cr 2000 300.00"},
    {"A4", "USD Dr 2000 120.00 | Dr 1400 180.00 | Cr 1200 300.00"},
    {"A5", "USD Dr 1200 300.00 | Cr 1000 300.00"},
    {"A6", "USD Dr 5200 180.00 | Cr 1400 180.00"},
    {"P1", "EUR Dr 2000 250.50 | Cr 2010 250.50"},
    {"P2", "EUR Dr 2010 250.50 | Cr 2100 250.00 | Cr 4000 0.50"},
    {"P3", "EUR Dr 2100 250.00 | Cr 1000 250.00"},
    {"P4", "EUR Dr 2100 250.00 | Dr 4000 0.50 | Cr 2000 250.50"},
    {"P5", "EUR Dr 1200 250.00 | Cr 2000 250.00"},
    {"P6", "EUR Dr 1000 245.00 | Dr 5000 5.00 | Cr 1200 250.00"},
    {"P7", "EUR Dr 2010 250.50 | Cr 2000 250.50"},
    {"T1", "EUR Dr 2000 25.00 | Cr 2000 25.00"},
    {"F1", "EUR Dr 2000 3.00 | Cr 4000 3.00"},
    {"F2", "EUR Dr 5000 1.20 | Cr 1000 1.20"},
    {"I1", "EUR Dr 2000 50.00 | Cr 2010 50.00"},
    {"I2", "EUR Dr 2010 50.00 | Cr 2600 48.00 | Cr 2000 2.00"},
    {"I3", "EUR Dr 2600 0.10 | Cr 4200 0.10"},
    {"I4", "EUR Dr 2600 47.90 | Cr 1000 47.90"},
    {"I5", "EUR Dr 2010 50.00 | Cr 2000 50.00"},
    {"I6", "EUR Dr 2010 50.00 | Dr 2000 5.00 | Cr 2600 55.00"},
    {"I7", "EUR Dr 2600 48.00 | Cr 2000 48.00"},
    {"I8", "EUR Dr 1450 48.00 | Cr 2000 48.00"},
    {"I9", "EUR Dr 2600 48.00 | Cr 1450 48.00"},
    {"IA", "EUR Dr 2000 48.00 | Cr 2600 48.00"},
    {"M1", "EUR Dr 1300 100.00 | Cr 2300 100.00"},
    {"M2", "EUR Dr 2300 2.00 | Cr 4000 2.00"},
    {"M3", "EUR Dr 5100 1.10 | Cr 1300 1.10"},
    {"M4", "EUR Dr 1000 98.90 | Cr 1300 98.90"},
    {"M5", "EUR Dr 2300 98.00 | Cr 2100 88.00 | Cr 2310 10.00"},
    {"M6", "EUR Dr 2100 88.00 | Cr 1000 88.00"},
    {"M7", "EUR Dr 2300 40.00 | Cr 1300 40.00"},
    {"M8", "EUR Dr 2300 115.00 | Cr 1300 100.00 | Cr 4000 15.00"},
    {"M9", "EUR Dr 2310 10.00 | Dr 1400 145.00 | Cr 2300 155.00"},
    {"MA", "EUR Dr 1300 100.00 | Cr 2300 100.00"},
    {"X1", "EUR Dr 2000 100.00 | Cr 1500 100.00"},
    {"X1", "USD Dr 1500 108.90 | Cr 2000 108.90"},
    {"X2", "USD Dr 1500 1.10 | Cr 4100 1.10"},
    {"X3", "EUR Dr 1500 100.00 | Cr 1000 100.00"},
    {"X3", "USD Dr 1000 109.95 | Cr 1500 109.95"},
    {"X4", "USD Dr 4110 0.05 | Cr 1500 0.05"}};

TEST(PostingTemplateTest, BooksWhatTheReferenceBooks) {
  ASSERT_EQ(std::size(kBookings), 48u);
  std::set<std::pair<std::string, std::string>> booked;
  for (const PostingTemplate& row : PostingTemplates()) {
    for (const int currency : {0, 1}) {
      if (!row.currencies[currency].empty()) {
        booked.emplace(std::string(row.code), Booked(row, currency));
      }
    }
  }
  for (const auto& [code, text] : kBookings) {
    EXPECT_TRUE(booked.contains({code, text})) << code << " " << text;
  }
}

TEST(PostingTemplateTest, EveryTemplateBalancesInEachOfItsCurrencies) {
  std::set<std::string_view> codes;
  for (const PostingTemplate& row : PostingTemplates()) {
    std::int64_t balance[2] = {0, 0};
    // Amounts that cannot cancel each other out by chance.
    Amounts amounts;
    std::int64_t amount = 1;
    for (const TemplateLine& line : row.lines()) amounts[line.term] = amount *= 10;
    for (const ChartEntry& entry : EntriesOf(row, amounts)) {
      balance[entry.currency] +=
          entry.side == Side::kDebit ? entry.amount_minor : -entry.amount_minor;
    }
    EXPECT_EQ(balance[0], 0) << row.code;
    EXPECT_EQ(balance[1], 0) << row.code;
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_EQ(&TemplateOf(row.event), &row);
  }
}

// What examples leave on an account, debits less credits, after one another.
std::int64_t Left(const std::vector<std::string>& codes, Role role, std::string_view currency) {
  std::int64_t left = 0;
  for (const std::string& code : codes) {
    for (const PostingTemplate& row : PostingTemplates()) {
      if (row.code != code) continue;
      for (const ChartEntry& entry : EntriesOf(row, ExampleOf(row))) {
        if (entry.role != role || row.currencies[entry.currency] != currency) continue;
        left += entry.side == Side::kDebit ? entry.amount_minor : -entry.amount_minor;
      }
    }
  }
  return left;
}

TEST(PostingTemplateTest, AHedgedConversionLeavesNoPosition) {
  EXPECT_EQ(Left({"X1", "X2", "X3", "X4"}, Role::kFxPosition, "EUR"), 0);
  EXPECT_EQ(Left({"X1", "X2", "X3", "X4"}, Role::kFxPosition, "USD"), 0);
  EXPECT_EQ(Left({"X1", "X2", "X3"}, Role::kFxPosition, "USD"), 5);
}

TEST(PostingTemplateTest, WhatHasSettledLeavesClearing) {
  EXPECT_EQ(Left({"D1", "D2"}, Role::kInboundClearing, "EUR"), 0);
  EXPECT_EQ(Left({"D5", "D6"}, Role::kOutboundClearing, "EUR"), 0);
  EXPECT_EQ(Left({"P1", "P2", "P3"}, Role::kOutboundClearing, "EUR"), 0);
  EXPECT_EQ(Left({"P1", "P2", "P4"}, Role::kOutboundClearing, "EUR"), 0);
  EXPECT_EQ(Left({"A1", "A2", "A4", "A5"}, Role::kInboundClearing, "USD"), 0);
  EXPECT_EQ(Left({"P5", "P6"}, Role::kInboundClearing, "EUR"), 0);
  EXPECT_EQ(Left({"P8", "P6"}, Role::kInboundClearing, "EUR"), 0);
  // The house keeps a fee of what it has paid, unless it says that it gives it back.
  EXPECT_EQ(Left({"P1", "P2", "P4"}, Role::kFeeIncome, "EUR"), 0);
  EXPECT_EQ(Left({"P1", "P2", "P3", "P5"}, Role::kFeeIncome, "EUR"), -50);
  EXPECT_EQ(Left({"P1", "P2", "P3", "P8"}, Role::kFeeIncome, "EUR"), 0);
  EXPECT_EQ(Left({"M1", "M3", "M4"}, Role::kSchemeReceivable, "EUR"), 0);
  EXPECT_EQ(Left({"I2", "I3", "I4"}, Role::kSchemePayable, "EUR"), 0);
}

// What one book owes is what is due to the other.
TEST(PostingTemplateTest, WhatHasGoneToAnotherBookLeavesClearing) {
  EXPECT_EQ(Left({"B1", "B2", "B3"}, Role::kBookClearing, "EUR"), 0);
  EXPECT_EQ(Left({"B5", "B2", "B6"}, Role::kBookClearing, "EUR"), 0);
  EXPECT_EQ(Left({"B1", "B4"}, Role::kBookClearing, "EUR"), 0);
  EXPECT_EQ(Left({"B1", "B2"}, Role::kBookClearing, "EUR"), 5000);
}

TEST(PostingTemplateTest, WhatWasHeldIsCapturedOrReleased) {
  for (const std::vector<std::string>& codes :
       std::vector<std::vector<std::string>>{{"P1", "P2"},
                                             {"P1", "P7"},
                                             {"I1", "I2"},
                                             {"I1", "I5"},
                                             {"I1", "I6"},
                                             {"A1", "A3"},
                                             {"C1", "C2"},
                                             {"C1", "C3"},
                                             {"B1", "B3"},
                                             {"B1", "B4"},
                                             {"B5", "B6"},
                                             {"B5", "B7"}}) {
    EXPECT_EQ(Left(codes, Role::kHeld, codes[0] == "A1" ? "USD" : "EUR"), 0) << codes[1];
  }
}

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");

TEST(FillTest, PostsForEachPayeeAndLeavesOutWhatIsNothing) {
  const Filling filling{
      .payer_account_id = Id(1), .payees = {{Id(2), 70}, {Id(3), 30}}, .currencies = {kEur}};
  EXPECT_THAT(Fill(TemplateOf(PostingEvent::kTransfer), filling),
              ElementsAre(LedgerPosting{Id(1), Id(2), 70}, LedgerPosting{Id(1), Id(3), 30}));
}

TEST(FillTest, AConversionIsOnTheAccountsOfItsCurrencies) {
  const Filling filling{.payer_account_id = Id(1),
                        .payees = {{Id(2), 10890}},
                        .currencies = {kEur, kUsd},
                        .amounts = {{Term::kSold, 10000}, {Term::kSpread, 110}, {Term::kFee, 25}}};
  EXPECT_THAT(Fill(TemplateOf(PostingEvent::kFxTransfer), filling),
              ElementsAre(LedgerPosting{Id(1), HouseAccountId({Role::kFxPosition, kEur}), 10000},
                          LedgerPosting{HouseAccountId({Role::kFxPosition, kUsd}), Id(2), 10890},
                          LedgerPosting{HouseAccountId({Role::kFxPosition, kUsd}),
                                        HouseAccountId({Role::kFxSpreadIncome, kUsd}), 110},
                          LedgerPosting{Id(1), HouseAccountId({Role::kFeeIncome, kEur}), 25}));
}

TEST(HouseAccountIdTest, IsOneForEachRoleAndCurrency) {
  std::set<Uuid> ids;
  int count = 0;
  for (const ChartAccount& row : Chart()) {
    if (row.role == Role::kCustomer || row.role == Role::kHeld) continue;
    for (const Currency& currency : {kEur, kUsd}) {
      ids.insert(HouseAccountId({row.role, currency}));
      ++count;
    }
  }
  EXPECT_EQ(static_cast<int>(ids.size()), count);
}

// Pinned: books that are deployed have them.
TEST(HouseAccountIdTest, NeverChanges) {
  EXPECT_EQ(HouseAccountId({Role::kInboundClearing, kEur}),
            DeriveId("florin.payments.rail.sandbox", "EUR"));
  EXPECT_EQ(HouseAccountId({Role::kFeeIncome, kEur}),
            DeriveId("florin.payments.house", "4000:EUR"));
}

std::string SideName(const ChartAccount& row) {
  if (row.normal_side == Side::kEither) return "either";
  return row.normal_side == Side::kDebit ? "debit" : "credit";
}

std::string RenderChart() {
  std::string text =
      "# Chart of accounts and bookings\n\n"
      "Generated from `services/payments/domain/chart_of_accounts.cc` and `posting_template.cc` "
      "by\n"
      "`FLORIN_UPDATE=1` and `payments_domain_test`; the test fails where this page is stale. One "
      "set\nof accounts for each currency; amounts are whole minor units, and every transaction "
      "balances\nin each of its currencies. [fees-and-fx.md](fees-and-fx.md) says how fees and "
      "conversions come\nabout.\n\n"
      "| number | account | grows by | its balance |\n|---|---|---|---|\n";
  for (const ChartAccount& row : Chart()) {
    text += "| " + std::to_string(row.number) + " | " + std::string(row.name) + " | " +
            SideName(row) + " | " + std::string(row.meaning) +
            (row.never_negative ? "; never negative" : "") + " |\n";
  }
  text +=
      "\n## Bookings\n\n"
      "The template of each event with an example. `Dr 2000` with `Cr 2010` is a hold of the "
      "ledger,\n`Dr 2010` with any other account a capture of it, `Dr 2010` with `Cr 2000` a void; "
      "credits that\nare not collected yet (A1) are held the other way round. A line whose amount "
      "is zero is not posted.\nBoth currencies of X1, X3 and X5 are one transaction. What is wrong "
      "is reversed by a new\ntransaction, never changed.\n\n"
      "| code | event | example |\n|---|---|---|\n";
  for (const PostingTemplate& row : PostingTemplates()) {
    text +=
        "| " + std::string(row.code) + " | " + std::string(row.meaning) + " | " + Booked(row, 0);
    if (!row.currencies[1].empty()) text += "; " + Booked(row, 1);
    // A `|` would end the cell.
    for (std::size_t at = 0; (at = text.find(" | Cr", at)) != std::string::npos;) {
      text.replace(at, 5, ", Cr");
    }
    for (std::size_t at = 0; (at = text.find(" | Dr", at)) != std::string::npos;) {
      text.replace(at, 5, ", Dr");
    }
    text += " |\n";
  }
  return text;
}

TEST(ChartTest, IsDocumented) {
  const char* const root = std::getenv("FLORIN_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "ctest sets FLORIN_SOURCE_DIR";
  const std::string path = std::string(root) + "/docs/chart-of-accounts.md";
  const std::string expected = RenderChart();
  if (std::getenv("FLORIN_UPDATE") != nullptr) std::ofstream(path) << expected;
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, expected) << "run payments_domain_test with FLORIN_UPDATE=1";
}

}  // namespace
}  // namespace florin::payments
