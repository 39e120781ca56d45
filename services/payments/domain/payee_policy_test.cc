#include "services/payments/domain/payee_policy.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");
const PayeePolicy kPolicy = {.required = true, .while_cooling_off = {{kEur, 100}}};

TEST(PayeePolicyTest, Table) {
  const absl::Time later = kNow + absl::Microseconds(1);
  struct Case {
    std::optional<absl::Time> usable;
    Money amount;
    std::optional<Reason> reason;
  };
  const Case cases[] = {
      {std::nullopt, {1, kEur}, Reason::kPayeeNotFound},
      {kNow, {1'000'000, kEur}, {}},
      {kNow, {1'000'000, kUsd}, {}},
      {later, {100, kEur}, {}},
      {later, {101, kEur}, Reason::kPayeeCoolingOff},
      {later, {1, kUsd}, Reason::kPayeeCoolingOff},
  };
  for (const Case& c : cases) {
    const absl::Status status = CheckSaved(kPolicy, c.usable, c.amount, kNow);
    if (c.reason) {
      EXPECT_THAT(status, StatusHasReason(*c.reason)) << c.amount.minor_units;
    } else {
      EXPECT_THAT(status, IsOk()) << c.amount.minor_units;
    }
    EXPECT_THAT(CheckSaved({}, c.usable, c.amount, kNow), IsOk());
  }
  EXPECT_EQ(DetailOf(CheckSaved(kPolicy, absl::FromUnixSeconds(1'800'000'000), {101, kEur}, kNow))
                .metadata.at("usable_time"),
            "2027-01-15T08:00:00Z");
}

TEST(PayeePolicyTest, PayoutsTable) {
  using enum PayoutPayees;
  const absl::Time later = kNow + absl::Microseconds(1);
  struct Case {
    PayoutPayees payouts;
    std::optional<absl::Time> usable;
    Money amount;
    std::optional<Reason> reason;
    bool approval = false;
  };
  const Case cases[] = {
      {kAnybody, std::nullopt, {1'000'000, kEur}, {}},
      {kAnybody, later, {101, kEur}, {}},
      {kApproved, std::nullopt, {1, kEur}, {}, true},
      {kApproved, later, {101, kEur}, {}, true},
      {kApproved, later, {100, kEur}, {}},
      {kApproved, kNow, {1'000'000, kUsd}, {}},
      {kSaved, std::nullopt, {1, kEur}, Reason::kPayeeRequired},
      {kSaved, later, {101, kEur}, Reason::kPayeeCoolingOff},
      {kSaved, later, {1, kUsd}, Reason::kPayeeCoolingOff},
      {kSaved, later, {100, kEur}, {}},
      {kSaved, kNow, {1'000'000, kEur}, {}},
  };
  for (const Case& c : cases) {
    PayeePolicy policy = kPolicy;
    policy.payouts = c.payouts;
    const absl::StatusOr<bool> judged = NeedsApproval(policy, c.usable, c.amount, kNow);
    if (c.reason) {
      EXPECT_THAT(judged,
                  ::testing::AllOf(StatusHasReason(*c.reason), StatusHasParam("beneficiary")));
    } else {
      ASSERT_THAT(judged, IsOk());
      EXPECT_EQ(*judged, c.approval) << c.amount.minor_units;
    }
  }
  EXPECT_EQ(ParsePayoutPayees("anybody").value(), kAnybody);
  EXPECT_EQ(ParsePayoutPayees("approved").value(), kApproved);
  EXPECT_EQ(ParsePayoutPayees("saved").value(), kSaved);
  EXPECT_FALSE(ParsePayoutPayees("").ok());
}

TEST(PayeePolicyTest, AmountsAreRead) {
  EXPECT_TRUE(ParseAmounts("")->empty());
  const auto amounts = ParseAmounts("EUR:100,USD:0").value();
  EXPECT_EQ(amounts.size(), 2u);
  EXPECT_EQ(amounts.at(kEur), 100);
  EXPECT_EQ(amounts.at(kUsd), 0);
  for (const char* wrong : {"EUR", "EUR:", "EUR:-1", "EUR:1:2", "EUR:1,", "XXQ:1", "EUR:1,EUR:2",
                            "EUR:9223372036854775808"}) {
    EXPECT_FALSE(ParseAmounts(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace florin::payments
