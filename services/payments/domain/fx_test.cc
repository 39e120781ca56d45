#include "services/payments/domain/fx.h"

#include <limits>
#include <random>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::Eq;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");
const Currency kJpy = *Currency::Parse("JPY");
const Currency kKwd = *Currency::Parse("KWD");
const Currency kIdr = *Currency::Parse("IDR");
const Currency kClf = *Currency::Parse("CLF");

RateTable Rates(const std::string& text) {
  const absl::StatusOr<RateTable> table = RateTable::Parse(text);
  EXPECT_THAT(table, IsOk());
  return *table;
}

TEST(RateTableTest, ReadsDecimalsExactly) {
  const RateTable table = Rates(
      "# as of noon\n"
      "EUR USD 1.1 2026-11-27T12:00:00Z\n"
      "IDR CLF 0.000000000001 2026-11-27T12:00:01+01:00  # least\n"
      "CLF IDR 9223372 2026-11-27T12:00:00Z\n");
  EXPECT_EQ(table.Find(kEur, kUsd)->rate.units, 1'100'000'000'000);
  EXPECT_EQ(absl::FormatTime(table.Find(kEur, kUsd)->time, absl::UTCTimeZone()),
            "2026-11-27T12:00:00+00:00");
  EXPECT_EQ(table.Find(kIdr, kClf)->rate.units, 1);
  EXPECT_EQ(table.Find(kClf, kIdr)->rate.units, 9'223'372'000'000'000'000);
  EXPECT_THAT(table.Find(kEur, kJpy), Eq(std::nullopt));
}

TEST(RateTableTest, TheOppositePairIsInverseAndRoundedDown) {
  const RateTable table = Rates("EUR USD 1.1 2026-11-27T12:00:00Z");
  EXPECT_EQ(table.Find(kUsd, kEur)->rate.units, 909'090'909'090);
  EXPECT_EQ(table.Find(kUsd, kEur)->time, table.Find(kEur, kUsd)->time);
  // An inverse that does not fit is none.
  EXPECT_THAT(Rates("EUR USD 0.00000001 2026-11-27T12:00:00Z").Find(kUsd, kEur), Eq(std::nullopt));
}

TEST(RateTableTest, RefusesWhatIsNoRate) {
  for (const char* bad :
       {"EUR USD 1.1", "EUR EUR 1 2026-11-27T12:00:00Z", "EUR usd 1 2026-11-27T12:00:00Z",
        "EUR USD 0 2026-11-27T12:00:00Z", "EUR USD -1 2026-11-27T12:00:00Z",
        "EUR USD 1e3 2026-11-27T12:00:00Z", "EUR USD 1. 2026-11-27T12:00:00Z",
        "EUR USD .5 2026-11-27T12:00:00Z", "EUR USD 1,1 2026-11-27T12:00:00Z",
        "EUR USD 1.1.1 2026-11-27T12:00:00Z", "EUR USD 9223373 2026-11-27T12:00:00Z",
        "EUR USD 1.0000000000001 2026-11-27T12:00:00Z", "EUR USD 1 yesterday",
        "EUR USD 1 2026-11-27T12:00:00Z\nEUR USD 2 2026-11-27T12:00:00Z"}) {
    EXPECT_THAT(RateTable::Parse(bad), StatusHasReason(Reason::kInvalidField)) << bad;
  }
}

TEST(ConvertTest, TheReferencesExample) {
  const Rate mid{1'100'000'000'000};
  const Rate rate = WithSpread(mid, 100);
  EXPECT_EQ(rate.units, 1'089'000'000'000);
  const Converted expected{.source = {10000, kEur},
                           .destination = {10890, kUsd},
                           .spread_minor = 110,
                           .rounding_minor = 0};
  EXPECT_EQ(ConvertSource({10000, kEur}, kUsd, mid, rate).value(), expected);
  EXPECT_EQ(ConvertDestination(kEur, {10890, kUsd}, mid, rate).value(), expected);
}

TEST(ConvertTest, TheCustomersAmountIsRoundedAgainstHim) {
  const Rate rate{1'999'000'000'000};
  // 1.999, 0.999 of which the house keeps.
  EXPECT_EQ(ConvertSource({1, kEur}, kUsd, rate, rate)->destination.minor_units, 1);
  // 1.0005 cents bring two.
  EXPECT_EQ(ConvertDestination(kEur, {2, kUsd}, rate, rate)->source.minor_units, 2);
  // Between currencies of different decimals: 1 JPY at 0.002 is 2 fils.
  const Rate yen{2'000'000'000};
  EXPECT_EQ(ConvertSource({1, kJpy}, kKwd, yen, yen)->destination.minor_units, 2);
  EXPECT_EQ(ConvertDestination(kJpy, {3, kKwd}, yen, yen)->source.minor_units, 2);
  EXPECT_EQ(ConvertDestination(kJpy, {3, kKwd}, yen, yen)->rounding_minor, 1);
}

TEST(ConvertTest, WhatBringsNothingOrDoesNotFitIsRefused) {
  const Rate tiny{1};
  const Rate one{kRateOne};
  EXPECT_THAT(ConvertSource({1, kEur}, kUsd, tiny, tiny), StatusHasReason(Reason::kAmountTooSmall));
  EXPECT_THAT(ConvertSource({kMost, kEur}, kUsd, one, one), IsOk());
  EXPECT_THAT(ConvertSource({kMost, kEur}, kKwd, one, one),
              StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(ConvertSource({kMost, kJpy}, kClf, {kMost}, {kMost}),
              StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(ConvertDestination(kEur, {kMost, kJpy}, one, one),
              StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(ConvertDestination(kEur, {kMost, kUsd}, tiny, tiny),
              StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(ConvertSource({1, kEur}, kUsd, tiny, WithSpread(tiny, 1)),
              StatusHasReason(Reason::kRateNotAvailable));
  // Nobody gets more than mid.
  EXPECT_THAT(ConvertSource({1, kEur}, kUsd, {kRateOne}, {kRateOne + 1}),
              StatusHasReason(Reason::kRateNotAvailable));
}

using Wide = __int128;

// a / b against c / d, all zero or more.
bool AtMost(Wide a, Wide b, Wide c, Wide d) { return a * d <= c * b; }

Wide PowerOfTen(int exponent) { return exponent == 0 ? 1 : 10 * PowerOfTen(exponent - 1); }

TEST(ConvertTest, Properties) {
  std::mt19937_64 random(20261127);
  int converted_ones = 0;
  for (const char* from : {"JPY", "EUR", "KWD", "BHD", "CLF"}) {
    for (const char* to : {"JPY", "USD", "KWD", "BHD", "CLF"}) {
      for (int i = 0; i < 1000; ++i) {
        if (std::string(from) == to) continue;
        const Currency source = *Currency::Parse(from);
        const Currency destination = *Currency::Parse(to);
        const Rate mid{
            static_cast<std::int64_t>(random() % 1'000'000'000'000'000 >> random() % 20) + 10'000};
        const Rate rate = WithSpread(mid, static_cast<int>(random() % 300));
        const std::int64_t fixed = 1 + static_cast<std::int64_t>(random() % 1'000'000);
        const bool of_source = random() % 2 == 0;
        const absl::StatusOr<Converted> made =
            of_source ? ConvertSource({fixed, source}, destination, mid, rate)
                      : ConvertDestination(source, {fixed, destination}, mid, rate);
        if (!made.ok()) continue;
        ++converted_ones;
        const std::int64_t sold = made->source.minor_units;
        const std::int64_t bought = made->destination.minor_units;
        EXPECT_EQ(of_source ? sold : bought, fixed);
        EXPECT_GT(sold, 0);
        EXPECT_GT(bought, 0);
        EXPECT_GE(made->spread_minor, 0);
        EXPECT_GE(made->rounding_minor, 0);
        // Minor units of the destination for one of the source, as a fraction.
        const Wide below = Wide{kRateOne} * PowerOfTen(source.exponent());
        const Wide up = PowerOfTen(destination.exponent());
        const auto value = [&](Wide units, const Rate& at) { return units * at.units * up; };
        // The payee never gets more than his rate, let alone mid.
        EXPECT_TRUE(AtMost(bought, 1, value(sold, rate), below));
        // Nothing is created or lost: all of the value at mid is somebody's, to less than a unit.
        const Wide shared = Wide{bought} + made->spread_minor + made->rounding_minor;
        EXPECT_EQ(shared, value(sold, mid) / below);
        // And no more than needed is kept: one unit less of the source would not bring it; one unit
        // more of the destination would be too much.
        if (of_source) {
          EXPECT_FALSE(AtMost(bought + 1, 1, value(sold, rate), below));
          EXPECT_LE(made->rounding_minor, 1);
        } else {
          EXPECT_FALSE(AtMost(bought, 1, value(sold - 1, rate), below));
        }
      }
    }
  }
  EXPECT_GT(converted_ones, 10'000);
}

}  // namespace
}  // namespace florin::payments
