#include "services/accounts/domain/account.h"

#include <set>

#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(DisplayNameTest, CustomersHaveOne) {
  EXPECT_THAT(CheckCustomerName("Zoë & Söhne"), IsOk());
  EXPECT_THAT(CheckCustomerName(Repeat("ë", 140)), IsOk());
  EXPECT_THAT(CheckCustomerName(""),
              AllOf(StatusHasReason(Reason::kInvalidDisplayName), StatusHasParam("display_name")));
}

TEST(DisplayNameTest, AccountsMayHaveOne) {
  EXPECT_THAT(CheckAccountName(""), IsOk());
  EXPECT_THAT(CheckAccountName("Savings"), IsOk());
}

TEST(DisplayNameTest, IsAtMost140CharactersOfPlainText) {
  for (const std::string& bad : {Repeat("x", 141), std::string("a\nb"), std::string("\xff")}) {
    EXPECT_THAT(CheckCustomerName(bad), StatusHasReason(Reason::kInvalidDisplayName));
    EXPECT_THAT(CheckAccountName(bad), StatusHasReason(Reason::kInvalidDisplayName));
  }
}

TEST(CheckCurrencyTest, NamesTheField) {
  EXPECT_EQ(CheckCurrency("EUR").value().code(), "EUR");
  EXPECT_THAT(CheckCurrency("EURO").status(),
              AllOf(StatusHasReason(Reason::kUnknownCurrency), StatusHasParam("currency")));
}

TEST(CanonicalTest, EveryFieldTells) {
  SequentialIds ids;
  const Uuid one = ids.NewId();
  const Uuid two = ids.NewId();
  const Currency eur = *Currency::Parse("EUR");
  const Currency usd = *Currency::Parse("USD");
  const std::set<std::string> all = {
      CanonicalCustomer("a"),          CanonicalCustomer("b"),
      CanonicalAccount(one, eur, "a"), CanonicalAccount(two, eur, "a"),
      CanonicalAccount(one, usd, "a"), CanonicalAccount(one, eur, "b")};
  EXPECT_EQ(all.size(), 6u);
}

}  // namespace
}  // namespace florin::accounts
