#include "services/accounts/domain/books.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/ids/ids.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

TEST(BooksTest, WithoutANameTheUsualOneIsChosen) {
  const Books books = Books::Make("main", {"savings", "eu-2"}).value();
  EXPECT_EQ(books.usual(), "main");
  EXPECT_EQ(books.Choose("").value(), "main");
  EXPECT_EQ(books.Choose("main").value(), "main");
  EXPECT_EQ(books.Choose("savings").value(), "savings");
}

TEST(BooksTest, ABookThatIsNotConfiguredIsRefused) {
  const Books books = Books::Make("main", {"savings"}).value();
  for (const char* name : {"saving", "Main", "main ", "savings,main"}) {
    const absl::Status status = books.Choose(name).status();
    EXPECT_THAT(status, StatusHasReason(Reason::kInvalidField)) << name;
    EXPECT_EQ(DetailOf(status).param, "book");
  }
}

TEST(BooksTest, NamesAreThoseThatTheLedgerTakes) {
  EXPECT_THAT(Books::Make("a_.-9"), IsOk());
  EXPECT_THAT(Books::Make(std::string(64, 'b')), IsOk());
  for (const std::string& name : {std::string(), std::string("Main"), std::string("a b"),
                                  std::string("a>b"), std::string(65, 'b')}) {
    EXPECT_THAT(Books::Make(name), StatusHasReason(Reason::kInvalidField)) << name;
    EXPECT_THAT(Books::Make("main", {name}), StatusHasReason(Reason::kInvalidField)) << name;
  }
}

TEST(BooksTest, AnAccountOfBeforeIsInTheUsualBook) {
  Account account{.currency = *Currency::Parse("EUR")};
  EXPECT_EQ(BookOf(account, "main"), "main");
  account.book = "savings";
  EXPECT_EQ(BookOf(account, "main"), "savings");
}

// The fingerprints of requests that name no book are those of before.
TEST(BooksTest, ABookIsPartOfWhatIsAskedFor) {
  const Uuid customer = SystemIds().NewId();
  const Currency eur = *Currency::Parse("EUR");
  const std::string before = CanonicalAccount(customer, eur, "x", AccountKind::kSavings);
  EXPECT_EQ(CanonicalAccount(customer, eur, "x", AccountKind::kSavings, ""), before);
  const std::string there = CanonicalAccount(customer, eur, "x", AccountKind::kSavings, "other");
  EXPECT_NE(there, before);
  EXPECT_NE(CanonicalAccount(customer, eur, "x", AccountKind::kWallet, "other"), there);
}

}  // namespace
}  // namespace florin::accounts
