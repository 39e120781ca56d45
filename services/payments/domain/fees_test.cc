#include "services/payments/domain/fees.h"

#include <limits>
#include <numeric>
#include <random>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
const Currency kEur = *Currency::Parse("EUR");

FeeRule RuleOf(const std::string& line) {
  const absl::StatusOr<FeeSchedule> schedule = ParseFeeSchedule(line);
  EXPECT_THAT(schedule, IsOk()) << line;
  return schedule->rules.front();
}

TEST(ParseFeeScheduleTest, ReadsEveryTerm) {
  const absl::StatusOr<FeeSchedule> schedule = ParseFeeSchedule(
      "# fees\n"
      "transfer EUR payer fixed=25 basis_points=10 min=30 max=1000  # ours\n"
      "\n"
      "transfer USD split:2500 tier=0:100:0 tier=100000:0:20\r\n"
      "deposit GBP payee basis_points=5\n"
      "fx EUR payer basis_points=50\n"
      "payout EUR payer fixed=50 returned=give_back\n"
      "payout USD payer returned=keep fixed=50\n"
      "payout GBP payer fixed=50");
  ASSERT_THAT(schedule, IsOk());
  ASSERT_EQ(schedule->rules.size(), 7u);
  EXPECT_TRUE(schedule->Find(FeeKind::kPayout, kEur)->back_if_returned);
  EXPECT_FALSE(schedule->rules[5].back_if_returned);
  EXPECT_FALSE(schedule->rules[6].back_if_returned) << "kept where it is not said";
  EXPECT_EQ(*schedule->Find(FeeKind::kTransfer, kEur), (FeeRule{.kind = FeeKind::kTransfer,
                                                                .currency = kEur,
                                                                .bearer = Bearer::kPayer,
                                                                .tiers = {{0, 25, 10}},
                                                                .least_minor = 30,
                                                                .most_minor = 1000}));
  const FeeRule& split = schedule->rules[1];
  EXPECT_EQ(split.bearer, Bearer::kSplit);
  EXPECT_EQ(split.payer_basis_points, 2500);
  EXPECT_THAT(split.tiers, ElementsAre(FeeTier{0, 100, 0}, FeeTier{100000, 0, 20}));
  EXPECT_EQ(schedule->Find(FeeKind::kDeposit, kEur), nullptr);
  EXPECT_EQ(schedule->Find(FeeKind::kFx, kEur), &schedule->rules[3]);
  EXPECT_TRUE(ParseFeeSchedule("")->rules.empty());
}

TEST(ParseFeeScheduleTest, RefusesWhatIsUnclear) {
  for (const char* bad : {
           "transfer EUR payer",
           "payin EUR payer fixed=1",
           "payout EUR payee fixed=1",
           "payout EUR split:5000 fixed=1",
           "payout EUR payer returned=keep",
           "payout EUR payer fixed=1 returned=half",
           "payout EUR payer fixed=1 returned=keep returned=keep",
           "transfer EUR payer fixed=1 returned=keep",
           "transfer eur payer fixed=1",
           "transfer EUR both fixed=1",
           "transfer EUR split fixed=1",
           "transfer EUR split:10001 fixed=1",
           "transfer EUR payer fixed=-1",
           "transfer EUR payer fixed=1.5",
           "transfer EUR payer fixed=1 fixed=2",
           "transfer EUR payer fixed=99999999999999999999",
           "transfer EUR payer basis_points=10001",
           "transfer EUR payer percent=1",
           "transfer EUR payer fixed",
           "transfer EUR payer min=1",
           "transfer EUR payer fixed=1 tier=0:1:1",
           "transfer EUR payer tier=1:1:1",
           "transfer EUR payer tier=0:1:1 tier=0:2:2",
           "transfer EUR payer tier=0:1",
           "transfer EUR payer fixed=1 min=3 max=2",
           "transfer EUR payer fixed=1\ntransfer EUR payee fixed=1",
           "deposit EUR payer fixed=1",
           "deposit EUR split:1 fixed=1",
           "fx EUR payee fixed=1",
           "fx EUR split:1 fixed=1",
       }) {
    EXPECT_THAT(ParseFeeSchedule(bad), StatusHasReason(Reason::kInvalidField)) << bad;
  }
}

TEST(FeeOfTest, Table) {
  struct Case {
    const char* rule;
    std::int64_t amount;
    std::int64_t payer;
    std::int64_t payee;
  };
  for (const Case& c : {
           Case{"transfer EUR payer fixed=25", 1, 25, 0},
           Case{"transfer EUR payee fixed=25", 1000, 0, 25},
           // Rounded down, so 0.99 of a cent is none.
           Case{"transfer EUR payer basis_points=100", 99, 0, 0},
           Case{"transfer EUR payer basis_points=100", 100, 1, 0},
           Case{"transfer EUR payer basis_points=100", 199, 1, 0},
           Case{"transfer EUR payer fixed=10 basis_points=100", 200, 12, 0},
           Case{"transfer EUR payer basis_points=100 min=5 max=50", 100, 5, 0},
           Case{"transfer EUR payer basis_points=100 min=5 max=50", 1000, 10, 0},
           Case{"transfer EUR payer basis_points=100 min=5 max=50", 100000, 50, 0},
           Case{"payout EUR payer fixed=10 basis_points=100 min=11 max=50", 99, 11, 0},
           Case{"payout EUR payer fixed=10 basis_points=100 min=11 max=50", 200, 12, 0},
           Case{"payout EUR payer fixed=10 basis_points=100 min=11 max=50", 100000, 50, 0},
           Case{"payout EUR payer tier=0:100:0 tier=1000:0:10", 1000, 1, 0},
           // The odd unit is the payee's.
           Case{"transfer EUR split:5000 fixed=25", 1000, 12, 13},
           Case{"transfer EUR split:0 fixed=25", 1000, 0, 25},
           Case{"transfer EUR split:10000 fixed=25", 1000, 25, 0},
           Case{"transfer EUR payer tier=0:100:0 tier=1000:0:10", 999, 100, 0},
           Case{"transfer EUR payer tier=0:100:0 tier=1000:0:10", 1000, 1, 0},
           Case{"transfer EUR payee basis_points=10000", kMost, 0, kMost},
       }) {
    const absl::StatusOr<Fee> fee = FeeOf(RuleOf(c.rule), c.amount);
    ASSERT_THAT(fee, IsOk()) << c.rule;
    EXPECT_EQ(fee->payer_minor, c.payer) << c.rule << " of " << c.amount;
    EXPECT_EQ(fee->payee_minor, c.payee) << c.rule << " of " << c.amount;
  }
}

TEST(FeeOfTest, WhatDoesNotFitIsRefused) {
  const auto refused =
      AllOf(StatusHasReason(Reason::kInvalidAmount), StatusHasParam("amount.minor_units"));
  EXPECT_THAT(FeeOf(RuleOf("transfer EUR payer fixed=1"), kMost).status(), refused);
  EXPECT_THAT(FeeOf(RuleOf("transfer EUR payee fixed=1 basis_points=10000"), kMost).status(),
              refused);
  EXPECT_THAT(FeeOf(RuleOf("transfer EUR payee fixed=1"), kMost), IsOk());
}

// Fees are integers of minor units, so the currency's decimals only change what amounts look like.
TEST(FeeOfTest, Properties) {
  std::mt19937_64 random(20261127);
  for (const char* code : {"JPY", "EUR", "KWD", "BHD", "CLF"}) {
    for (int i = 0; i < 2000; ++i) {
      FeeRule rule{.currency = *Currency::Parse(code),
                   .bearer = static_cast<Bearer>(random() % 3),
                   .payer_basis_points = static_cast<int>(random() % 10001)};
      rule.tiers = {
          {0, static_cast<std::int64_t>(random() % 500), static_cast<int>(random() % 10001)}};
      if (random() % 2 == 0) rule.least_minor = static_cast<std::int64_t>(random() % 100);
      if (random() % 2 == 0) {
        rule.most_minor = rule.least_minor + static_cast<std::int64_t>(random() % 1000);
      }
      const auto amount = static_cast<std::int64_t>(random() >> (2 + random() % 60)) + 1;
      const absl::StatusOr<Fee> fee = FeeOf(rule, amount);
      ASSERT_THAT(fee, IsOk());
      const std::int64_t total = fee->payer_minor + fee->payee_minor;
      EXPECT_GE(fee->payer_minor, 0);
      EXPECT_GE(fee->payee_minor, 0);
      EXPECT_GE(total, rule.least_minor);
      if (rule.most_minor) {
        EXPECT_LE(total, *rule.most_minor);
      }
      if (rule.bearer == Bearer::kPayer) {
        EXPECT_EQ(fee->payee_minor, 0);
      }
      if (rule.bearer == Bearer::kPayee) {
        EXPECT_EQ(fee->payer_minor, 0);
      }
      // Never more than the published rate, and less than a unit below.
      if (rule.least_minor == 0 && !rule.most_minor) {
        const auto exact = static_cast<__int128>(amount) * rule.tiers[0].basis_points;
        const auto got = static_cast<__int128>(total - rule.tiers[0].fixed_minor) * 10'000;
        EXPECT_LE(got, exact);
        EXPECT_GT(got + 10'000, exact);
      }
    }
  }
}

TEST(AllocateTest, NothingIsLostAndNobodyPaysMoreThanHisPart) {
  EXPECT_THAT(Allocate(10, {1, 1, 1}), ElementsAre(4, 3, 3));
  EXPECT_THAT(Allocate(2, {5, 5, 5}), ElementsAre(1, 1, 0));
  EXPECT_THAT(Allocate(0, {5, 5}), ElementsAre(0, 0));
  EXPECT_THAT(Allocate(15, {5, 5, 5}), ElementsAre(5, 5, 5));
  std::mt19937_64 random(20261127);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::int64_t> weights(1 + random() % 50);
    for (std::int64_t& weight : weights) weight = 1 + static_cast<std::int64_t>(random() % 100000);
    const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    const auto total = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(sum + 1));
    const std::vector<std::int64_t> parts = Allocate(total, weights);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}), total);
    for (std::size_t j = 0; j < parts.size(); ++j) {
      EXPECT_GE(parts[j], 0);
      EXPECT_LE(parts[j], weights[j]);
    }
  }
}

}  // namespace
}  // namespace florin::payments
