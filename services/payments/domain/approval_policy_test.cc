#include "services/payments/domain/approval_policy.h"

#include "gmock/gmock.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");
const Currency kJpy = *Currency::Parse("JPY");

ApprovalPolicy Policy() { return *ParseApprovalPolicy("EUR:3000:10000,JPY:5000:5000"); }

Basis BasisOf(std::int64_t minor_units, LowValueUse use, Currency currency = kEur) {
  return Judge(Policy(), Kind::kTransfer, {.minor_units = minor_units, .currency = currency}, false,
               use)
      .basis;
}

TEST(ApprovalPolicyTest, LowValuesAreExemptUntilTheExemptionIsUsed) {
  const struct {
    std::int64_t minor_units;
    LowValueUse use;
    Basis basis;
  } cases[] = {
      {1, {}, Basis::kLowValue},
      {3000, {}, Basis::kLowValue},
      {3001, {}, Basis::kAmount},
      {INT64_MAX, {}, Basis::kAmount},
      {3000, {.payments = 4, .total_minor = 7000}, Basis::kLowValue},
      {3000, {.payments = 4, .total_minor = 7001}, Basis::kExemptionUsed},
      // The sixth, however small.
      {1, {.payments = 4, .total_minor = 4}, Basis::kLowValue},
      {1, {.payments = 5, .total_minor = 5}, Basis::kExemptionUsed},
      {1, {.payments = 1, .total_minor = INT64_MAX}, Basis::kExemptionUsed},
  };
  for (const auto& row : cases) {
    EXPECT_EQ(BasisOf(row.minor_units, row.use), row.basis)
        << row.minor_units << " after " << row.use.payments << " of " << row.use.total_minor;
  }
}

TEST(ApprovalPolicyTest, ACurrencyThatIsNotNamedHasNoExemption) {
  EXPECT_EQ(BasisOf(1, {}, kUsd), Basis::kNoExemption);
  EXPECT_EQ(BasisOf(5000, {}, kJpy), Basis::kLowValue);
}

TEST(ApprovalPolicyTest, OnlyWhatLeavesTheUserNeedsAnApproval) {
  const Money amount{.minor_units = 1'000'000, .currency = kEur};
  const ApprovalPolicy all = *ParseApprovalPolicy("all");
  EXPECT_EQ(Judge(all, Kind::kTransfer, amount, false, {}),
            (Verdict{.needs_approval = true, .basis = Basis::kNoExemption}));
  EXPECT_EQ(Judge(all, Kind::kTransfer, amount, true, {}),
            (Verdict{.needs_approval = false, .basis = Basis::kOwnAccount}));
  EXPECT_EQ(Judge(all, Kind::kDeposit, amount, false, {}),
            (Verdict{.needs_approval = false, .basis = Basis::kDeposit}));
  EXPECT_EQ(Judge(ApprovalPolicy(), Kind::kTransfer, amount, false, {}),
            (Verdict{.needs_approval = false, .basis = Basis::kOff}));
}

TEST(ApprovalPolicyTest, TheVerdictSaysWhatTheBasisSays) {
  for (const Basis basis : {Basis::kOff, Basis::kDeposit, Basis::kOwnAccount, Basis::kLowValue,
                            Basis::kNoExemption, Basis::kAmount, Basis::kExemptionUsed}) {
    EXPECT_FALSE(NameOf(basis).empty());
  }
  for (const std::int64_t minor_units : {1, 3000, 3001}) {
    const Verdict verdict =
        Judge(Policy(), Kind::kTransfer, {.minor_units = minor_units, .currency = kEur}, false, {});
    EXPECT_EQ(verdict.needs_approval, verdict.basis != Basis::kLowValue);
  }
}

TEST(ApprovalPolicyTest, UseCountsPaymentsAndAmounts) {
  EXPECT_EQ(After({.payments = 2, .total_minor = 10}, {.minor_units = 5, .currency = kEur}),
            (LowValueUse{.payments = 3, .total_minor = 15}));
  EXPECT_TRUE(DependsOnUse(Policy(), Kind::kTransfer, false));
  EXPECT_FALSE(DependsOnUse(Policy(), Kind::kTransfer, true));
  EXPECT_FALSE(DependsOnUse(Policy(), Kind::kDeposit, false));
  EXPECT_TRUE(DependsOnUse(Policy(), Kind::kPayout, false));
  EXPECT_FALSE(DependsOnUse(ApprovalPolicy(), Kind::kTransfer, false));
}

TEST(ApprovalPolicyTest, ReadsItsText) {
  EXPECT_EQ(*ParseApprovalPolicy(""), ApprovalPolicy());
  EXPECT_TRUE(ParseApprovalPolicy("all")->enabled);
  EXPECT_EQ(Policy().low_value.at(kEur),
            (LowValueLimits{.single_minor = 3000, .total_minor = 10000}));
  EXPECT_TRUE(Policy().enabled);
  for (const char* text : {"none", "EUR", "EUR:1", "EUR:1:2:3", "XXX:1:2", "EUR:-1:2", "EUR:2:1",
                           "EUR:1:x", "EUR:1:2,", "EUR:1:2,EUR:1:2", "EUR:3001:10000",
                           "EUR:3000:10001", "eur:1:2", "JPY:1:99999999999999999999"}) {
    EXPECT_THAT(ParseApprovalPolicy(text), StatusHasReason(Reason::kInvalidField)) << text;
  }
}

}  // namespace
}  // namespace florin::payments
