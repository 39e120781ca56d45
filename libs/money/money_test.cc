#include "libs/money/money.h"

#include <limits>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST(Currency, KnowsTheExponents) {
  const std::pair<const char*, int> cases[] = {{"AED", 2}, {"EUR", 2}, {"JPY", 0},
                                               {"KWD", 3}, {"CLF", 4}, {"ZWG", 2}};
  for (const auto& [code, exponent] : cases) {
    const auto currency = Currency::Parse(code);
    ASSERT_THAT(currency, IsOk()) << code;
    EXPECT_EQ(currency->exponent(), exponent) << code;
    EXPECT_EQ(currency->code(), code);
  }
}

TEST(Currency, RefusesWhatIsNoCurrency) {
  for (const char* code :
       {"", "EU", "EURO", "eur", "XXX", "XAU", "XTS", "AAA", "ZZZ", "EU\xC3\x84"}) {
    EXPECT_THAT(Currency::Parse(code), StatusHasReason(Reason::kUnknownCurrency)) << code;
  }
}

TEST(CheckedArithmetic, GivesNothingOnOverflow) {
  EXPECT_EQ(CheckedAdd(kMax - 1, 1), kMax);
  EXPECT_EQ(CheckedAdd(kMax, 1), std::nullopt);
  EXPECT_EQ(CheckedAdd(kMin, -1), std::nullopt);
  EXPECT_EQ(CheckedSubtract(kMin, 1), std::nullopt);
  EXPECT_EQ(CheckedSubtract(0, kMin), std::nullopt);
  EXPECT_EQ(CheckedSubtract(-1, kMin), kMax);
}

}  // namespace
}  // namespace florin
