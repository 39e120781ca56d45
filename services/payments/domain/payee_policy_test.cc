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
