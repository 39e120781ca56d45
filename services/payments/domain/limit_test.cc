#include "services/payments/domain/limit.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Currency kEur = Currency::Parse("EUR").value();
const Currency kUsd = Currency::Parse("USD").value();
Uuid Id(const char* name) { return DeriveId("test", name); }

Limit Daily(const char* name, std::int64_t maximum) {
  return {.limit_id = Id(name),
          .scope = LimitScope::kUser,
          .currency = kEur,
          .measure = LimitMeasure::kAmount,
          .window = absl::Hours(24),
          .maximum = maximum};
}
LimitedPayment Pays(std::int64_t minor_units) {
  return {.user_id = Id("ann"),
          .source_account_id = Id("a"),
          .destination_account_id = Id("b"),
          .debited = {.minor_units = minor_units, .currency = kEur}};
}

TEST(CheckLimitTest, NamesWhatIsWrong) {
  const auto refuses = [](const Limit& limit, const char* param) {
    EXPECT_THAT(CheckLimit(limit),
                AllOf(StatusHasReason(Reason::kInvalidLimit), StatusHasParam(param)));
  };
  Limit limit = Daily("day", 0);
  EXPECT_THAT(CheckLimit(limit), IsOk());
  limit.maximum = -1;
  refuses(limit, "maximum");
  limit = Daily("day", 1);
  for (const absl::Duration bad : {absl::Seconds(59), absl::Hours(24 * 366) + absl::Seconds(1),
                                   absl::Hours(1) + absl::Milliseconds(1), absl::ZeroDuration()}) {
    limit.window = bad;
    refuses(limit, "window_seconds");
  }
  limit.window.reset();
  EXPECT_THAT(CheckLimit(limit), IsOk());
  limit.measure = LimitMeasure::kCount;
  refuses(limit, "window_seconds");
}

TEST(UsesOfTest, ThoseThatAreAboutThePaymentByWindow) {
  Limit weekly = Daily("week", 5000);
  weekly.window = absl::Hours(7 * 24);
  Limit count = Daily("count", 3);
  count.measure = LimitMeasure::kCount;
  Limit dollars = Daily("dollars", 1);
  dollars.currency = kUsd;
  Limit bobs = Daily("bob", 1);
  bobs.subject = Id("bob");
  Limit account = Daily("account", 900);
  account.scope = LimitScope::kAccount;
  account.subject = Id("a");
  const std::vector<Limit> limits = {weekly, Daily("day", 1000), count, dollars, bobs, account};
  const auto uses = UsesOf(limits, Pays(700));
  ASSERT_THAT(uses, IsOk());
  ASSERT_THAT(*uses, SizeIs(4));
  EXPECT_EQ((*uses)[0].limit_id, Id("day"));
  EXPECT_EQ((*uses)[0].units, 700);
  EXPECT_EQ((*uses)[1].limit_id, Id("count"));
  EXPECT_EQ((*uses)[1].units, 1);
  EXPECT_EQ((*uses)[2].limit_id, Id("account"));
  EXPECT_EQ((*uses)[3].limit_id, Id("week"));
  EXPECT_EQ((*uses)[3].window, absl::Hours(7 * 24));
}

TEST(UsesOfTest, WhatPassesALimitAloneIsRefusedAndTheTightestNamed) {
  Limit each = Daily("each", 500);
  each.window.reset();
  const std::vector<Limit> limits = {Daily("day", 600), each, Daily("more", 700)};
  EXPECT_THAT(UsesOf(limits, Pays(500)), IsOk());
  const auto refused = UsesOf(limits, Pays(650));
  EXPECT_THAT(refused, StatusHasReason(Reason::kLimitExceeded));
  EXPECT_EQ(DetailOf(refused.status()).metadata.at("limit"), FormatId(IdKind::kLimit, Id("each")));
  EXPECT_EQ(DetailOf(refused.status()).metadata.at("remaining"), "500");
  // One of a payment for itself leaves nothing to hold.
  EXPECT_THAT(*UsesOf(std::vector<Limit>{each}, Pays(1)), IsEmpty());
}

TEST(ControlAccountTest, IsOneForEachBucket) {
  std::set<Uuid> accounts;
  for (const LimitScope scope : {LimitScope::kUser, LimitScope::kAccount, LimitScope::kPayee}) {
    for (const char* limit_name : {"one", "two"}) {
      Limit limit = Daily(limit_name, 1);
      limit.scope = scope;
      const LimitedPayment payment = Pays(1);
      accounts.insert(ControlAccountOf(limit, payment));
      // What the bucket is not about makes no other one.
      LimitedPayment alike = payment;
      alike.debited.minor_units = 2;
      if (scope != LimitScope::kAccount) alike.source_account_id = Id("other");
      if (scope != LimitScope::kPayee) alike.destination_account_id = Id("other");
      EXPECT_EQ(ControlAccountOf(limit, alike), ControlAccountOf(limit, payment));
      LimitedPayment other = payment;
      other.user_id = Id("bob");
      other.source_account_id = Id("c");
      other.destination_account_id = Id("d");
      accounts.insert(ControlAccountOf(limit, other));
    }
  }
  EXPECT_THAT(accounts, SizeIs(12));
}

TEST(HoldsOfTest, OneForEachWindowUnderAnIdOfItsOwn) {
  Limit weekly = Daily("week", 5000);
  weekly.window = absl::Hours(7 * 24);
  const std::vector<Limit> limits = {Daily("day", 1000), weekly, Daily("other", 1000)};
  const auto uses = UsesOf(limits, Pays(1));
  const std::vector<LimitHold> holds = HoldsOf(Id("payment"), *uses);
  ASSERT_THAT(holds, SizeIs(2));
  EXPECT_EQ(holds[0].window, absl::Hours(24));
  EXPECT_THAT(holds[0].uses, SizeIs(2));
  EXPECT_THAT(holds[1].uses, SizeIs(1));
  EXPECT_NE(holds[0].transaction_id, holds[1].transaction_id);
  EXPECT_EQ(HoldsOf(Id("payment"), *uses), holds);
  EXPECT_NE(HoldsOf(Id("another"), *uses)[0].transaction_id, holds[0].transaction_id);
}

}  // namespace
}  // namespace florin::payments
