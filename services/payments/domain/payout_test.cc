// Payouts, rails' deposits and the sandbox's rail: their machines, bookings and what people write.
#include "services/payments/domain/payout.h"

#include <map>
#include <set>

#include "libs/status/matchers.h"
#include "services/payments/domain/iban.h"
#include "services/payments/domain/rail_deposit.h"
#include "services/payments/domain/sandbox_rail.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using S = PayoutStage;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const Currency kEuro = *Currency::Parse("EUR");
const Uuid kAccount = DeriveId("test", "account");
const Uuid kUser = DeriveId("test", "user");
const Uuid kPayment = DeriveId("test", "payment");

Uuid House(Role role) { return HouseAccountId({role, kEuro}); }

PayoutRequest Request() {
  return {.source_account_id = kAccount,
          .amount = {.minor_units = 250, .currency = kEuro},
          .beneficiary = {.name = "Jo", .account = "DE89370400440532013000", .is_iban = true},
          .reference = "rent",
          .rail = "sandbox"};
}

Payout At(S stage) {
  return {.payment = NewPayout(kPayment, kUser, Request(), kNow),
          .beneficiary = Request().beneficiary,
          .rail = "sandbox",
          .stage = stage};
}

TEST(IbanTest, HasCheckDigitsThatFit) {
  // Examples of the registry of ISO 13616.
  for (const char* good :
       {"DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606",
        "NO9386011117947", "MT84MALT011000012345MTLCAST001S"}) {
    EXPECT_THAT(ParseIban(good), Optional(std::string(good)));
  }
  EXPECT_THAT(ParseIban(" de89 3704 0044 0532 0130 00 "), Optional(Eq("DE89370400440532013000")));
  for (const char* bad :
       {"", "DE", "DE88370400440532013000", "DE89370400440532013001", "DE8937040044053201300",
        "8937040044053201300012", "DEX9370400440532013000", "DE89-3704-0044-0532-0130-00",
        "NO938601111794", "DE89370400440532013000DE89370400440532013000"}) {
    EXPECT_THAT(ParseIban(bad), Eq(std::nullopt)) << bad;
  }
}

// Any digit that is another, and any two that have changed places.
TEST(IbanTest, FindsEverySlip) {
  const std::string good = "DE89370400440532013000";
  for (std::size_t i = 2; i < good.size(); ++i) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      std::string wrong = good;
      wrong[i] = digit;
      EXPECT_EQ(ParseIban(wrong).has_value(), wrong == good) << wrong;
    }
    if (i + 1 == good.size()) continue;
    std::string swapped = good;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(ParseIban(swapped).has_value(), swapped == good) << swapped;
  }
}

TEST(VirtualIbanTest, NamesItsAccountAndNoOther) {
  std::set<std::string> all;
  for (int i = 0; i < 200; ++i) {
    const Uuid account = DeriveId("test", std::to_string(i));
    const std::string iban = VirtualIbanOf(account);
    EXPECT_EQ(iban.size(), 30u);
    EXPECT_EQ(iban.substr(0, 2), "XF");
    EXPECT_TRUE(ParseIban(iban).has_value()) << iban;
    EXPECT_THAT(ParseVirtualIban(iban), Optional(account));
    EXPECT_TRUE(all.insert(iban).second);
  }
  const std::string iban = VirtualIbanOf(kAccount);
  EXPECT_THAT(ParseVirtualIban(iban.substr(0, 4) + " " + iban.substr(4)), Optional(kAccount));
  for (std::size_t i = 4; i < iban.size(); ++i) {
    std::string wrong = iban;
    wrong[i] = wrong[i] == '7' ? '8' : '7';
    EXPECT_THAT(ParseVirtualIban(wrong), Eq(std::nullopt)) << wrong;
  }
  EXPECT_THAT(ParseVirtualIban("DE89370400440532013000"), Eq(std::nullopt));
  EXPECT_THAT(ParseVirtualIban(FormatId(IdKind::kAccount, kAccount)), Eq(std::nullopt));
}

TEST(BeneficiaryTest, HasANameAndOneAccount) {
  const auto iban = CheckBeneficiary("Jo Doe", "DE89 3704 0044 0532 0130 00", "");
  ASSERT_THAT(iban, IsOk());
  EXPECT_EQ(*iban, (Beneficiary{"Jo Doe", "DE89370400440532013000", true}));
  EXPECT_EQ(*CheckBeneficiary("Jo", "", "12-34-56/7"), (Beneficiary{"Jo", "12-34-56/7", false}));
  EXPECT_EQ(PayeeNameOf(*iban), "Jo Doe (DE89370400440532013000)");
  const std::string long_name(71, 'x');
  const std::string long_account(35, '1');
  const std::tuple<const char*, const char*, const char*, const char*> bad[] = {
      {"", "DE89370400440532013000", "", "beneficiary.name"},
      {long_name.c_str(), "DE89370400440532013000", "", "beneficiary.name"},
      {"a\nb", "DE89370400440532013000", "", "beneficiary.name"},
      {"Jo", "", "", "beneficiary.iban"},
      {"Jo", "DE89370400440532013000", "1", "beneficiary.iban"},
      {"Jo", "DE88370400440532013000", "", "beneficiary.iban"},
      {"Jo", "", "1 2", "beneficiary.account"},
      {"Jo", "", "\xc3\xa9", "beneficiary.account"},
      {"Jo", "", long_account.c_str(), "beneficiary.account"},
  };
  for (const auto& [name, iban_text, account, param] : bad) {
    EXPECT_THAT(CheckBeneficiary(name, iban_text, account),
                AllOf(StatusHasReason(Reason::kInvalidBeneficiary), StatusHasParam(param)))
        << name << iban_text << account;
  }
}

TEST(PayoutMachineTest, NamesReadBackAndEveryStageIsReached) {
  std::set<S> reached;
  std::set<std::pair<std::optional<S>, S>> pairs;
  for (const PayoutTransition& row : PayoutTransitions()) {
    reached.insert(row.to);
    EXPECT_EQ(ParsePayoutStage(NameOf(row.to)).value(), row.to);
    EXPECT_TRUE(pairs.insert({row.from, row.to}).second);
    if (row.from) {
      EXPECT_TRUE(MayAdvance(*row.from, row.to));
    }
  }
  EXPECT_EQ(reached.size(), 13u);
  for (const S stage : {S::kReturned, S::kRejected, S::kCanceled, S::kRefused}) {
    EXPECT_TRUE(IsTerminal(stage));
  }
  // What was decided to be sent is never canceled by its payer, and what was sent never again.
  EXPECT_FALSE(MayAdvance(S::kSent, S::kCanceling));
  EXPECT_FALSE(MayAdvance(S::kSent, S::kSending));
  EXPECT_FALSE(MayAdvance(S::kCanceling, S::kSending));
  EXPECT_FALSE(MayAdvance(S::kRejected, S::kSettling));
  EXPECT_FALSE(ParsePayoutStage("lost").ok());
}

TEST(PayoutTest, ItsPaymentFollowsItsStage) {
  const Payment payment = At(S::kSent).payment;
  EXPECT_EQ(AtStage(payment, S::kSending, "", kNow), payment);
  const Payment settled = AtStage(payment, S::kSettled, "", kNow + absl::Seconds(1));
  EXPECT_EQ(settled.state, State::kSucceeded);
  EXPECT_EQ(settled.update_time, kNow + absl::Seconds(1));
  const Payment rejected = AtStage(payment, S::kRejected, "AC01", kNow);
  EXPECT_EQ(rejected.state, State::kFailed);
  EXPECT_EQ(rejected.failure_reason, "rail_rejected");
  const Payment returned = AtStage(settled, S::kReturned, "AC04", kNow);
  EXPECT_EQ(returned.state, State::kReturned);
  EXPECT_EQ(returned.failure_reason, "rail_returned");
  EXPECT_EQ(AtStage(payment, S::kCanceled, "", kNow).failure_reason, "payment_canceled");
  EXPECT_EQ(AtStage(payment, S::kCanceled, "account_closed", kNow).failure_reason,
            "account_closed");
}

TEST(PayoutTest, TheFirstTransactionSetsTheMoneyAside) {
  const Payment payment = NewPayout(kPayment, kUser, Request(), kNow);
  EXPECT_THAT(PostingsOf(payment),
              ::testing::ElementsAre(LedgerPosting{kAccount, House(Role::kOutboundClearing), 250}));
  const auto held = ApplyAnswer(payment, {.committed = true}, kNow);
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->state, State::kProcessing);
  EXPECT_EQ(
      ApplyAnswer(payment, {.refusal_reason = "insufficient_funds", .final = true}, kNow)->state,
      State::kFailed);
}

// Whatever way a payout takes, what the clearing accounts get they give.
TEST(PayoutTest, EveryWayLeavesTheClearingAccountsAtZero) {
  const std::vector<std::pair<std::vector<S>, std::int64_t>> ways = {
      {{S::kSending, S::kSettling}, -250},
      {{S::kSending, S::kRejecting}, 0},
      {{S::kSending, S::kSettling, S::kReturning}, 0},
      {{S::kCanceling}, 0}};
  for (const auto& [stages, payer] : ways) {
    std::map<Uuid, std::int64_t> balances;
    for (const S stage : stages) {
      const StepTransaction booking = BookingOf(At(stage), 1);
      if (booking.kind == StepTransaction::Kind::kCapture) {
        balances[kAccount] -= booking.amount_minor;
        balances[House(Role::kOutboundClearing)] += booking.amount_minor;
      }
      for (const StepPosting& posting : booking.postings) {
        balances[posting.debit_account_id] -= posting.amount_minor;
        balances[posting.credit_account_id] += posting.amount_minor;
      }
    }
    EXPECT_EQ(balances[kAccount], payer);
    EXPECT_EQ(balances[House(Role::kOutboundClearing)], 0);
    EXPECT_EQ(balances[House(Role::kInboundClearing)], 0);
    EXPECT_EQ(balances[House(Role::kNostro)], -payer) << "our money at the bank, by its side";
  }
}

Payout Charged(S stage, bool back_if_returned) {
  Payout payout = At(stage);
  payout.payment.pricing =
      Pricing{.fee = Fee{.payer_minor = 5, .back_if_returned = back_if_returned}, .postings = {}};
  return payout;
}

// What a way through the stages leaves on each account, credits less debits; what was held counts
// as the payer's until it is captured.
std::map<Uuid, std::int64_t> LeftBy(const std::vector<S>& stages, bool back_if_returned,
                                    int attempt = 1) {
  std::map<Uuid, std::int64_t> left;
  for (const S stage : stages) {
    const StepTransaction booking = BookingOf(Charged(stage, back_if_returned), attempt);
    if (booking.kind == StepTransaction::Kind::kCapture) {
      EXPECT_TRUE(booking.whole) << "the fee is captured with the amount";
      EXPECT_EQ(booking.amount_minor, 255);
      left[kAccount] -= 255;
      left[House(Role::kOutboundClearing)] += 250;
      left[House(Role::kFeeIncome)] += 5;
    }
    for (const StepPosting& posting : booking.postings) {
      left[posting.debit_account_id] -= posting.amount_minor;
      left[posting.credit_account_id] += posting.amount_minor;
    }
  }
  return left;
}

TEST(PayoutTest, AFeeIsTakenOnlyOfWhatIsPaid) {
  for (const bool back : {false, true}) {
    auto settled = LeftBy({S::kSending, S::kSettling}, back);
    EXPECT_EQ(settled[kAccount], -255);
    EXPECT_EQ(settled[House(Role::kFeeIncome)], 5);
    EXPECT_EQ(settled[House(Role::kOutboundClearing)], 0);
    auto rejected = LeftBy({S::kSending, S::kRejecting}, back);
    EXPECT_EQ(rejected[kAccount], 0) << "nothing is taken of what was rejected";
    EXPECT_EQ(rejected[House(Role::kFeeIncome)], 0);
    EXPECT_EQ(LeftBy({S::kCanceling}, back)[kAccount], 0);
    auto returned = LeftBy({S::kSending, S::kSettling, S::kReturning}, back);
    EXPECT_EQ(returned[kAccount], back ? 0 : -5) << "as the schedule said";
    EXPECT_EQ(returned[House(Role::kFeeIncome)], back ? 0 : 5);
    EXPECT_EQ(returned[House(Role::kInboundClearing)], 0);
  }
  // What an account does not take back goes to suspense with its fee.
  EXPECT_EQ(LeftBy({S::kRejecting}, false, 2)[House(Role::kSuspense)], 255);
  EXPECT_EQ(LeftBy({S::kReturning}, false, 2)[House(Role::kSuspense)], 250);
  EXPECT_EQ(LeftBy({S::kReturning}, true, 2)[House(Role::kSuspense)], 255);
}

// What is posted to is open.
TEST(PayoutTest, EveryAccountOfTheHouseIsNamed) {
  for (const bool back : {false, true}) {
    for (const S stage : {S::kSettling, S::kRejecting, S::kReturning}) {
      const Payout payout = Charged(stage, back);
      std::set<Uuid> named = {kAccount};
      for (const HouseAccount& account : HouseAccountsOf(payout)) {
        named.insert(HouseAccountId(account));
      }
      for (const int attempt : {1, 2}) {
        for (const StepPosting& posting : BookingOf(payout, attempt).postings) {
          EXPECT_TRUE(named.contains(posting.debit_account_id)) << NameOf(stage);
          EXPECT_TRUE(named.contains(posting.credit_account_id)) << NameOf(stage);
        }
      }
    }
  }
}

TEST(PayoutTest, SaysWhatBecameOfItsFee) {
  const std::pair<S, FeeState> states[] = {
      {S::kCreated, FeeState::kHeld},      {S::kReserved, FeeState::kHeld},
      {S::kSending, FeeState::kHeld},      {S::kCanceling, FeeState::kHeld},
      {S::kSent, FeeState::kTaken},        {S::kSettling, FeeState::kTaken},
      {S::kRejecting, FeeState::kTaken},   {S::kReturning, FeeState::kTaken},
      {S::kSettled, FeeState::kTaken},     {S::kRejected, FeeState::kGivenBack},
      {S::kCanceled, FeeState::kNotTaken}, {S::kRefused, FeeState::kNotTaken},
      {S::kReturned, FeeState::kTaken}};
  for (const auto& [stage, state] : states) {
    EXPECT_EQ(FeeStateOf(Charged(stage, false)), state) << NameOf(stage);
    EXPECT_EQ(FeeStateOf(At(stage)), FeeState::kNone) << NameOf(stage);
    const bool returned = stage == S::kReturned;
    EXPECT_EQ(FeeStateOf(Charged(stage, true)), returned ? FeeState::kGivenBack : state);
  }
}

TEST(PayoutTest, WhatAnAccountDoesNotTakeBackGoesToSuspense) {
  for (const S stage : {S::kRejecting, S::kReturning}) {
    EXPECT_TRUE(HasSecondAttempt(stage));
    const StepTransaction first = BookingOf(At(stage), 1);
    const StepTransaction second = BookingOf(At(stage), 2);
    EXPECT_NE(first.transaction_id, second.transaction_id);
    EXPECT_EQ(first.postings[0].credit_account_id, kAccount);
    EXPECT_EQ(second.postings[0].credit_account_id, House(Role::kSuspense));
  }
  EXPECT_FALSE(HasSecondAttempt(S::kSettling));
}

TEST(PayoutTest, EachBookingHasItsOwnIdForEver) {
  std::set<Uuid> ids = {At(S::kCreated).payment.transaction_id};
  for (const S stage : {S::kSending, S::kCanceling, S::kSettling, S::kRejecting, S::kReturning}) {
    EXPECT_TRUE(ids.insert(BookingOf(At(stage), 1).transaction_id).second);
    EXPECT_EQ(BookingOf(At(stage), 1).transaction_id, BookingOf(At(stage), 1).transaction_id);
  }
}

TEST(CanonicalPayoutTest, EveryPartTells) {
  std::vector<PayoutRequest> others(8, Request());
  others[0].source_account_id = kUser;
  others[1].amount.minor_units = 251;
  others[2].amount.currency = *Currency::Parse("USD");
  others[3].beneficiary.name = "Joe";
  others[4].beneficiary.account = "DE89370400440532013001";
  others[5].beneficiary.is_iban = false;
  others[6].reference = "";
  others[7].rail = "other";
  for (const PayoutRequest& other : others) {
    EXPECT_NE(CanonicalPayout(other), CanonicalPayout(Request()));
  }
  EXPECT_EQ(CanonicalPayout(Request()), CanonicalPayout(Request()));
}

TEST(PauseAfterTest, GrowsAndStops) {
  EXPECT_EQ(PauseAfter(0), absl::Seconds(2));
  EXPECT_EQ(PauseAfter(1), absl::Seconds(4));
  EXPECT_EQ(PauseAfter(7), absl::Seconds(256));
  EXPECT_EQ(PauseAfter(8), absl::Minutes(5));
  EXPECT_EQ(PauseAfter(1'000'000), absl::Minutes(5));
}

TEST(PayoutFailureTest, SaysTheRailsCode) {
  Payout payout = At(S::kRejected);
  payout.payment = AtStage(payout.payment, S::kRejected, "AC01", kNow);
  payout.code = "AC01";
  const absl::Status failure = FailureOf(payout);
  EXPECT_THAT(failure, StatusHasReason(Reason::kRailRejected));
  EXPECT_EQ(DetailOf(failure).metadata.at("rail_code"), "AC01");
  EXPECT_TRUE(DetailOf(failure).metadata.contains("payment_id"));
}

TEST(SandboxRailTest, BehavesByTheEndOfTheAccount) {
  const auto plan = [](const char* account) { return PlanOf({.name = "Jo", .account = account}); };
  EXPECT_EQ(plan("DE12").events[0], (SandboxPlan::Event{RailEvent::kSettled, {}, "", 1}));
  EXPECT_EQ(plan("9").events.size(), 1u);
  EXPECT_EQ(plan("x9001").events[0].after, absl::Hours(1));
  EXPECT_EQ(plan("x9002").events[0],
            (SandboxPlan::Event{RailEvent::kRejected, absl::ZeroDuration(), "AC01", 1}));
  ASSERT_EQ(plan("x9003").events.size(), 2u);
  EXPECT_EQ(plan("x9003").events[1],
            (SandboxPlan::Event{RailEvent::kReturned, absl::Hours(24), "AC04", 1}));
  EXPECT_EQ(plan("x9004").events[0].notifications, 3);
  EXPECT_EQ(plan("x9005").silence, absl::Hours(1));
  EXPECT_EQ(plan("x9005").events[0].notifications, 0);
}

TEST(RailDepositTest, NamesReadBackAndBookingsGoThroughTheClearingAccount) {
  for (const DepositTransition& row : DepositTransitions()) {
    EXPECT_EQ(ParseDepositStage(NameOf(row.to)).value(), row.to);
  }
  EXPECT_FALSE(MayAdvance(DepositStage::kSuspending, DepositStage::kCrediting));
  EXPECT_FALSE(MayAdvance(DepositStage::kUnmatched, DepositStage::kCrediting));
  RailDeposit deposit{.rail = "sandbox",
                      .deposit_id = "d1",
                      .amount = {.minor_units = 70, .currency = kEuro},
                      .stage = DepositStage::kCrediting,
                      .payment_id = kPayment};
  const StepTransaction settled = BookingOf(deposit);
  ASSERT_EQ(settled.postings.size(), 1u);
  EXPECT_EQ(settled.postings[0].debit_account_id, House(Role::kNostro));
  EXPECT_EQ(settled.postings[0].credit_account_id, House(Role::kInboundClearing));
  deposit.stage = DepositStage::kSuspending;
  const StepTransaction suspended = BookingOf(deposit);
  EXPECT_EQ(suspended.postings[0].credit_account_id, House(Role::kSuspense));
  EXPECT_NE(suspended.transaction_id, settled.transaction_id);
  // No user can send a key with a blank in it.
  EXPECT_NE(IdempotencyKeyOf(deposit).find(' '), std::string::npos);
}

}  // namespace
}  // namespace florin::payments
