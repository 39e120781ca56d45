#include "libs/money/money.h"

#include <limits>

#include "gtest/gtest.h"
#include "libs/money/decimal_text.h"
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

TEST(DecimalText, HasTheCurrencysDecimals) {
  const struct {
    const char* currency;
    std::int64_t minor_units;
    const char* text;
  } kCases[] = {{"EUR", 123'450, "1234.50"},
                {"EUR", 5, "0.05"},
                {"EUR", -5, "-0.05"},
                {"EUR", 0, "0.00"},
                {"JPY", -1234, "-1234"},
                {"JPY", 0, "0"},
                {"KWD", 1, "0.001"},
                {"CLF", -12'345, "-1.2345"},
                {"EUR", kMin, "-92233720368547758.08"},
                {"EUR", kMax, "92233720368547758.07"}};
  for (const auto& one : kCases) {
    EXPECT_EQ(DecimalText(one.minor_units, Currency::Parse(one.currency).value()), one.text);
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
