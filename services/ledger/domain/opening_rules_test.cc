#include "services/ledger/domain/opening_rules.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::Optional;

AccountTerms Terms() {
  return {.account_id = DeriveId("test", "a"), .currency = Currency::Parse("EUR").value()};
}

TEST(IsBookNameTest, TakesShortLowerCaseNames) {
  EXPECT_TRUE(IsBookName("main"));
  EXPECT_TRUE(IsBookName("tenant-1.eu_2"));
  EXPECT_TRUE(IsBookName(std::string(64, 'b')));
  for (const std::string& name :
       {std::string(), std::string(65, 'b'), std::string("Main"), std::string("main\0", 5),
        std::string("ma in"), std::string("ü")}) {
    EXPECT_FALSE(IsBookName(name)) << name;
  }
}

TEST(CheckTermsTest, TakesEachLimitAlone) {
  AccountTerms terms = Terms();
  EXPECT_THAT(CheckTerms(terms), IsOk());
  terms.credits_must_not_exceed_debits = true;
  EXPECT_THAT(CheckTerms(terms), IsOk());
  terms.credits_must_not_exceed_debits = false;
  terms.debits_must_not_exceed_credits = true;
  EXPECT_THAT(CheckTerms(terms), IsOk());
  terms.credit_line_minor = 1;
  EXPECT_THAT(CheckTerms(terms), IsOk());
}

TEST(CheckTermsTest, RefusesBothLimits) {
  AccountTerms terms = Terms();
  terms.debits_must_not_exceed_credits = terms.credits_must_not_exceed_debits = true;
  EXPECT_THAT(CheckTerms(terms), AllOf(StatusHasReason(Reason::kInvalidLimits),
                                       StatusHasParam("credits_must_not_exceed_debits")));
}

TEST(CheckTermsTest, RefusesANegativeCreditLineAndOneWithoutItsLimit) {
  AccountTerms terms = Terms();
  terms.credit_line_minor = 1;
  EXPECT_THAT(CheckTerms(terms),
              AllOf(StatusHasReason(Reason::kInvalidLimits), StatusHasParam("credit_line_minor")));
  terms.debits_must_not_exceed_credits = true;
  terms.credit_line_minor = -1;
  EXPECT_THAT(CheckTerms(terms),
              AllOf(StatusHasReason(Reason::kInvalidLimits), StatusHasParam("credit_line_minor")));
}

TEST(AccountTermsTest, FirstDifferenceNamesEveryField) {
  const AccountTerms first = Terms();
  EXPECT_EQ(FirstDifference(first, first), std::nullopt);
  AccountTerms second = first;
  second.credit_line_minor = 1;
  EXPECT_THAT(FirstDifference(first, second), Optional(std::string("credit_line_minor")));
  second.credits_must_not_exceed_debits = true;
  EXPECT_THAT(FirstDifference(first, second),
              Optional(std::string("credits_must_not_exceed_debits")));
  second.debits_must_not_exceed_credits = true;
  EXPECT_THAT(FirstDifference(first, second),
              Optional(std::string("debits_must_not_exceed_credits")));
  second.normal_side = NormalSide::kCredit;
  EXPECT_THAT(FirstDifference(first, second), Optional(std::string("normal_side")));
  second.currency = Currency::Parse("USD").value();
  EXPECT_THAT(FirstDifference(first, second), Optional(std::string("currency")));
}

}  // namespace
}  // namespace florin::ledger
