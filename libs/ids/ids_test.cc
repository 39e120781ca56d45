#include "libs/ids/ids.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin {
namespace {

TEST(Uuid, TextRoundTrip) {
  const std::string text = "018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00";
  EXPECT_EQ(Uuid::Parse(text)->ToString(), text);
  for (const char* bad : {"", "018f3a1e", "018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f0g",
                          "018f3a1e+7b2c-7d3e-8f4a-5b6c7d8e9f00"}) {
    EXPECT_THAT(Uuid::Parse(bad), StatusHasReason(Reason::kInvalidId)) << bad;
  }
}

TEST(Id, TextRoundTripKeepsEveryBit) {
  std::array<std::uint8_t, 16> bytes;
  bytes.fill(0xff);
  for (const Uuid id : {Uuid(), Uuid(bytes), SystemIds().NewId(), DeriveId("a", "b")}) {
    const std::string text = FormatId(IdKind::kPayment, id);
    EXPECT_EQ(text.size(), 30u);
    EXPECT_EQ(*ParseId(IdKind::kPayment, text, "payment_id"), id);
  }
}

TEST(Id, RefusesEverythingElse) {
  const std::string good = FormatId(IdKind::kAccount, SystemIds().NewId());
  const std::string bad[] = {"",
                             "acc_",
                             good + "0",
                             good.substr(0, 29),
                             "pay" + good.substr(3),
                             "acc-" + good.substr(4),
                             "ACC_" + good.substr(4),
                             "acc_8zzzzzzzzzzzzzzzzzzzzzzzzz",  // 131 bits
                             "acc_0000000000000000000000000u",
                             "acc_0000000000000000000000000A",
                             std::string("acc_0000000000000000000000000\0", 30)};
  for (const std::string& text : bad) {
    EXPECT_THAT(ParseId(IdKind::kAccount, text, "account_id"), StatusHasReason(Reason::kInvalidId))
        << text;
    EXPECT_THAT(ParseId(IdKind::kAccount, text, "account_id"), StatusHasParam("account_id"))
        << text;
  }
}

TEST(SystemIds, AreVersion7AndStrictlyIncreasing) {
  Uuid last;
  for (int i = 0; i < 10'000; ++i) {
    const Uuid id = SystemIds().NewId();
    EXPECT_LT(last, id);
    EXPECT_LT(FormatId(IdKind::kPayment, last), FormatId(IdKind::kPayment, id));
    EXPECT_EQ(id.bytes()[6] >> 4, 7);
    EXPECT_EQ(id.bytes()[8] >> 6, 2);
    last = id;
  }
}

TEST(DeriveId, DependsOnBothArgumentsAndNothingElse) {
  EXPECT_EQ(DeriveId("p", "n"), DeriveId("p", "n"));
  EXPECT_NE(DeriveId("p", "n"), DeriveId("p", "m"));
  EXPECT_NE(DeriveId("p", "n"), DeriveId("q", "n"));
  EXPECT_NE(DeriveId("pn", ""), DeriveId("p", "n"));
  EXPECT_EQ(DeriveId("p", "n").bytes()[6] >> 4, 8);
  // Stored in databases: must never change.
  EXPECT_EQ(
      DeriveId("florin.payments.transaction", "pay_00000000000000000000000000").ToString().size(),
      36u);
}

}  // namespace
}  // namespace florin
