#include "services/payments/domain/rail_match.h"

#include <map>

#include "gmock/gmock.h"

namespace florin::payments {
namespace {

using K = DiscrepancyKind;
using S = PayoutStage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");
constexpr S kStages[] = {S::kCreated,   S::kReserved,  S::kSending,   S::kSent,    S::kSettling,
                         S::kRejecting, S::kReturning, S::kCanceling, S::kSettled, S::kRejected,
                         S::kReturned,  S::kCanceled,  S::kRefused};

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
Money Euro(std::int64_t minor_units) { return {.minor_units = minor_units, .currency = kEur}; }
RailEntry Line(RailEvent event, std::int64_t minor_units, absl::Duration ago = absl::Hours(1)) {
  static std::int64_t number = 0;
  return {.number = ++number,
          .event = event,
          .payout_id = event == RailEvent::kDeposit ? Uuid() : Id(5),
          .deposit_id = event == RailEvent::kDeposit ? "d1" : "",
          .amount = Euro(minor_units),
          .book_time = kNow - ago};
}
RailCase Paid(std::optional<S> stage, int paid, int back, absl::Duration ago = absl::Hours(1),
              absl::Duration since = absl::Hours(1)) {
  RailCase one{.rail = "sandbox", .payout_id = Id(5)};
  if (stage) {
    one.payout = PayoutAtUs{
        .payment_id = Id(5), .amount = Euro(250), .stage = *stage, .since = kNow - since};
  }
  for (int i = 0; i < paid; ++i) one.lines.push_back(Line(RailEvent::kSettled, 250, ago));
  for (int i = 0; i < back; ++i) one.lines.push_back(Line(RailEvent::kReturned, 250, ago));
  return one;
}
RailCase Received(std::optional<DepositStage> stage, int lines, absl::Duration ago = absl::Hours(1),
                  absl::Duration since = absl::Hours(1)) {
  RailCase one{.rail = "sandbox", .deposit_id = "d1"};
  if (stage) {
    one.deposit = DepositAtUs{.deposit_id = "d1",
                              .amount = Euro(70),
                              .stage = *stage,
                              .payment_id = Id(6),
                              .since = kNow - since};
  }
  for (int i = 0; i < lines; ++i) one.lines.push_back(Line(RailEvent::kDeposit, 70, ago));
  return one;
}
std::vector<K> Kinds(const RailCase& one) {
  std::vector<K> kinds;
  for (const Discrepancy& found : Match(one, kNow)) kinds.push_back(found.kind);
  return kinds;
}

// Which stages say that the rail has paid, and that it got it back: the whole table.
TEST(RailMatchTest, EveryStageAgainstEveryStatement) {
  const std::map<S, std::pair<int, int>> expected = {{S::kSettling, {1, 0}},
                                                     {S::kSettled, {1, 0}},
                                                     {S::kReturning, {1, 1}},
                                                     {S::kReturned, {1, 1}}};
  for (const S stage : kStages) {
    const auto found = expected.find(stage);
    const auto [paid_here, back_here] = found == expected.end() ? std::pair(0, 0) : found->second;
    for (int paid = 0; paid <= 2; ++paid) {
      for (int back = 0; back <= 1; ++back) {
        for (const absl::Duration since : {absl::Hours(1), kStatementWithin}) {
          std::vector<K> kinds;
          if (paid == 2) kinds.push_back(K::kExecutedTwice);
          if (paid > 0 && paid_here == 0) {
            kinds.push_back(K::kStageDiffers);
          } else if (back > back_here) {
            kinds.push_back(K::kStageDiffers);
          }
          const bool lacks = paid_here > paid || back_here > back;
          if (lacks && since == kStatementWithin) kinds.push_back(K::kMissingAtRail);
          EXPECT_EQ(Kinds(Paid(stage, paid, back, absl::Hours(1), since)), kinds)
              << NameOf(stage) << " " << paid << " " << back << " " << since;
        }
      }
    }
  }
}

TEST(RailMatchTest, WhatNobodyHereKnowsIsMissingHere) {
  EXPECT_THAT(Kinds(Paid(std::nullopt, 0, 0)), IsEmpty());
  const std::vector<Discrepancy> found = Match(Paid(std::nullopt, 2, 1), kNow);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, K::kMissingHere);
  EXPECT_EQ(found[0].at_risk_minor, 500);
  EXPECT_EQ(found[0].payment_id, Id(5));
  EXPECT_EQ(found[0].currency, kEur);
  EXPECT_EQ(found[0].rail, "sandbox");
  const std::vector<Discrepancy> deposit = Match(Received(std::nullopt, 1), kNow);
  ASSERT_EQ(deposit.size(), 1U);
  EXPECT_EQ(deposit[0].kind, K::kMissingHere);
  EXPECT_EQ(deposit[0].at_risk_minor, 70);
  EXPECT_EQ(deposit[0].deposit_id, "d1");
  EXPECT_TRUE(deposit[0].payment_id.is_nil());
}

// To the microsecond: who is at work on it has ten minutes, and the rail a day.
TEST(RailMatchTest, TheYoungAreLeftAlone) {
  const absl::Duration young = kMatchAfter - absl::Microseconds(1);
  EXPECT_THAT(Kinds(Paid(S::kSent, 1, 0, young)), IsEmpty());
  EXPECT_THAT(Kinds(Paid(S::kSent, 1, 0, kMatchAfter)), ElementsAre(K::kStageDiffers));
  EXPECT_THAT(Kinds(Paid(std::nullopt, 1, 0, young)), IsEmpty());
  EXPECT_THAT(Kinds(Paid(std::nullopt, 1, 0, kMatchAfter)), ElementsAre(K::kMissingHere));
  EXPECT_THAT(Kinds(Received(std::nullopt, 1, young)), IsEmpty());
  EXPECT_THAT(Kinds(Received(std::nullopt, 1, kMatchAfter)), ElementsAre(K::kMissingHere));
  EXPECT_THAT(Kinds(Received(DepositStage::kCrediting, 1, young)), IsEmpty());
  const absl::Duration within = kStatementWithin - absl::Microseconds(1);
  EXPECT_THAT(Kinds(Paid(S::kSettled, 0, 0, {}, within)), IsEmpty());
  EXPECT_THAT(Kinds(Received(DepositStage::kCredited, 0, {}, within)), IsEmpty());
  EXPECT_THAT(Kinds(Received(DepositStage::kCredited, 0, {}, kStatementWithin)),
              ElementsAre(K::kMissingAtRail));
}

TEST(RailMatchTest, EveryStageOfADeposit) {
  for (const DepositStage stage : {DepositStage::kCredited, DepositStage::kUnmatched}) {
    EXPECT_THAT(Kinds(Received(stage, 1)), IsEmpty());
  }
  for (const DepositStage stage :
       {DepositStage::kReceived, DepositStage::kCrediting, DepositStage::kSuspending}) {
    EXPECT_THAT(Kinds(Received(stage, 1)), ElementsAre(K::kStageDiffers));
    EXPECT_THAT(Kinds(Received(stage, 0)), IsEmpty());
  }
  EXPECT_THAT(Kinds(Received(DepositStage::kCredited, 2)), ElementsAre(K::kExecutedTwice));
}

TEST(RailMatchTest, AnotherAmountIsAtRiskByItsDifference) {
  for (const std::int64_t amount : {249, 251, 150}) {
    RailCase one = Paid(S::kSettled, 0, 0);
    one.lines = {Line(RailEvent::kSettled, amount)};
    const std::vector<Discrepancy> found = Match(one, kNow);
    ASSERT_EQ(found.size(), 1U) << amount;
    EXPECT_EQ(found[0].kind, K::kRailAmountDiffers);
    EXPECT_EQ(found[0].at_risk_minor, std::abs(amount - 250));
  }
  RailCase dollars = Paid(S::kSettled, 1, 0);
  dollars.lines[0].amount.currency = kUsd;
  ASSERT_THAT(Kinds(dollars), ElementsAre(K::kRailAmountDiffers));
  EXPECT_EQ(Match(dollars, kNow)[0].at_risk_minor, 250);
  RailCase charged = Paid(S::kReturned, 1, 0);
  charged.lines.push_back(Line(RailEvent::kReturned, 245));
  ASSERT_THAT(Kinds(charged), ElementsAre(K::kRailAmountDiffers));
  EXPECT_EQ(Match(charged, kNow)[0].at_risk_minor, 5);
  RailCase deposit = Received(DepositStage::kCredited, 1);
  deposit.lines[0].amount.minor_units = 71;
  EXPECT_THAT(Kinds(deposit), ElementsAre(K::kRailAmountDiffers));
}

TEST(RailMatchTest, WhatWasPaidTooOftenIsAtRisk) {
  const std::vector<Discrepancy> found = Match(Paid(S::kSettled, 3, 0), kNow);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at_risk_minor, 500);
  EXPECT_EQ(Match(Paid(S::kSent, 2, 0), kNow)[1].at_risk_minor, 500) << "all of it is unexplained";
  RailCase vast = Paid(S::kSettled, 0, 0);
  for (int i = 0; i < 3; ++i) vast.lines.push_back(Line(RailEvent::kSettled, INT64_MAX));
  EXPECT_EQ(Match(vast, kNow)[0].at_risk_minor, INT64_MAX) << "more than there is";
}

TEST(RailMatchTest, OneOfEachKindForEachSubject) {
  const Discrepancy first = Match(Paid(S::kSettled, 2, 0), kNow)[0];
  EXPECT_EQ(Match(Paid(S::kSettled, 3, 0), kNow)[0].discrepancy_id, first.discrepancy_id);
  RailCase other = Received(std::nullopt, 1);
  const Uuid one = Match(other, kNow)[0].discrepancy_id;
  other.deposit_id = "d2";
  EXPECT_NE(Match(other, kNow)[0].discrepancy_id, one);
  other.deposit_id = "d1";
  other.rail = "another";
  EXPECT_NE(Match(other, kNow)[0].discrepancy_id, one);
}

TEST(RailMatchTest, TheSettlementAccountHasWhatIsExplained) {
  const SettlementSums sums{
      .currency = kEur, .least_minor = -20, .most_minor = 10, .statement_minor = 5};
  for (const std::int64_t balance : {-20, 0, 10}) {
    EXPECT_EQ(MatchSettlement(sums, balance), std::nullopt) << balance;
  }
  for (const std::int64_t off : {1, 7}) {
    for (const std::int64_t balance : {-20 - off, 10 + off}) {
      const std::optional<Discrepancy> found = MatchSettlement(sums, balance);
      ASSERT_TRUE(found.has_value()) << balance;
      EXPECT_EQ(found->kind, K::kSettlementDiffers);
      EXPECT_EQ(found->at_risk_minor, off);
      EXPECT_EQ(found->currency, kEur);
    }
  }
}

TEST(RailMatchTest, KindsOfRailsAreNotTheLedgers) {
  for (const K kind : {K::kUnfinished, K::kParked, K::kMissingInLedger, K::kMovedAlthoughEnded,
                       K::kAmountDiffers, K::kUnknownTransaction}) {
    EXPECT_FALSE(IsOfRails(kind));
  }
  for (const K kind : {K::kMissingHere, K::kMissingAtRail, K::kRailAmountDiffers, K::kExecutedTwice,
                       K::kStageDiffers, K::kSettlementDiffers}) {
    EXPECT_TRUE(IsOfRails(kind));
    EXPECT_EQ(ParseDiscrepancyKind(NameOf(kind)).value(), kind);
  }
}

}  // namespace
}  // namespace florin::payments
