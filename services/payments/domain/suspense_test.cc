#include "services/payments/domain/suspense.h"

#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using R = ResolutionState;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const Currency kEuro = *Currency::Parse("EUR");
const Uuid kAccount = DeriveId("test", "account");
const Uuid kOwner = DeriveId("test", "owner");

RailDeposit Deposit() {
  return {.rail = "sandbox",
          .deposit_id = "d1",
          .amount = {.minor_units = 70, .currency = kEuro},
          .account_reference = "DE89370400440532013000",
          .reference = "Salary",
          .create_time = kNow};
}
SuspenseItem Item() { return ItemOf(Deposit(), kNow); }

SuspenseResolution Resolution(ResolutionKind kind) {
  const bool assigns = kind == ResolutionKind::kAssign;
  return {.resolution_id = DeriveId("test", "resolution"),
          .item_id = Item().item_id,
          .kind = kind,
          .account_id = assigns ? kAccount : Uuid(),
          .owner_id = assigns ? kOwner : Uuid(),
          .payment_id = DeriveId("test", "payment"),
          .operator_id = DeriveId("test", "operator"),
          .proposal_id = DeriveId("test", "proposal"),
          .create_time = kNow,
          .update_time = kNow};
}

Uuid House(Role role) { return HouseAccountId({role, kEuro}); }

TEST(SuspenseTest, NamesAndIdsReadBack) {
  for (const SuspenseState state :
       {SuspenseState::kOpen, SuspenseState::kAssigning, SuspenseState::kAssigned,
        SuspenseState::kReturning, SuspenseState::kReturned}) {
    EXPECT_EQ(ParseSuspenseState(NameOf(state)).value(), state);
  }
  for (const ResolutionKind kind : {ResolutionKind::kAssign, ResolutionKind::kReturn}) {
    EXPECT_EQ(ParseResolutionKind(NameOf(kind)).value(), kind);
  }
  for (const R state : {R::kPending, R::kDone, R::kRefused}) {
    EXPECT_EQ(ParseResolutionState(NameOf(state)).value(), state);
  }
  EXPECT_THAT(ParseSuspenseState("lost"), StatusHasReason(Reason::kInternal));
  const std::string id = FormatSuspenseId(kAccount);
  EXPECT_EQ(id.substr(0, 4), "sus_");
  EXPECT_EQ(ParseSuspenseId(id, "item_id").value(), kAccount);
  for (const std::string& bad : {std::string(), std::string("sus_"), "pay_" + id.substr(4),
                                 FormatId(IdKind::kPayment, kAccount), id + "0"}) {
    EXPECT_THAT(ParseSuspenseId(bad, "item_id"),
                AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("item_id")))
        << bad;
  }
}

// What is done is done, but for what a rail sends back.
TEST(SuspenseTest, AResolutionEndsOnce) {
  for (const ResolutionKind kind : {ResolutionKind::kAssign, ResolutionKind::kReturn}) {
    EXPECT_TRUE(MayEnd(kind, R::kPending, R::kDone));
    EXPECT_TRUE(MayEnd(kind, R::kPending, R::kRefused));
    EXPECT_EQ(MayEnd(kind, R::kDone, R::kRefused), kind == ResolutionKind::kReturn);
    EXPECT_FALSE(MayEnd(kind, R::kRefused, R::kDone));
    EXPECT_FALSE(MayEnd(kind, R::kRefused, R::kPending));
    EXPECT_FALSE(MayEnd(kind, R::kDone, R::kPending));
    EXPECT_FALSE(MayEnd(kind, R::kDone, R::kDone));
  }
}

TEST(SuspenseTest, ItsStateIsThatOfItsLastResolution) {
  KeptSuspense kept{.item = Item(), .resolution = {}};
  EXPECT_EQ(StateOf(kept), SuspenseState::kOpen);
  const std::tuple<ResolutionKind, R, SuspenseState> rows[] = {
      {ResolutionKind::kAssign, R::kPending, SuspenseState::kAssigning},
      {ResolutionKind::kAssign, R::kDone, SuspenseState::kAssigned},
      {ResolutionKind::kAssign, R::kRefused, SuspenseState::kOpen},
      {ResolutionKind::kReturn, R::kPending, SuspenseState::kReturning},
      {ResolutionKind::kReturn, R::kDone, SuspenseState::kReturned},
      {ResolutionKind::kReturn, R::kRefused, SuspenseState::kOpen}};
  for (const auto& [kind, state, expected] : rows) {
    kept.resolution = Resolution(kind);
    kept.resolution->state = state;
    EXPECT_EQ(StateOf(kept), expected) << NameOf(kind) << NameOf(state);
  }
}

TEST(SuspenseTest, APayoutThatCameBackIsAnItemWithWhatCameBack) {
  Payout payout{.payment = NewPayout(DeriveId("test", "payout"), kOwner,
                                     {.source_account_id = kAccount,
                                      .amount = {.minor_units = 250, .currency = kEuro},
                                      .beneficiary = {},
                                      .reference = "secret",
                                      .rail = "sandbox"},
                                     kNow),
                .beneficiary = {},
                .rail = "sandbox",
                .stage = PayoutStage::kReturning};
  const SuspenseItem free = ItemOf(payout, kNow);
  EXPECT_EQ(free.amount.minor_units, 250);
  EXPECT_EQ(free.payment_id, payout.payment.payment_id);
  EXPECT_EQ(free.account_id, kAccount);
  EXPECT_EQ(free.deposit_id, "");
  payout.payment.pricing = Pricing{.fee = Fee{.payer_minor = 5}, .postings = {}};
  EXPECT_EQ(ItemOf(payout, kNow).amount.minor_units, 250) << "its fee is kept";
  payout.payment.pricing->fee->back_if_returned = true;
  EXPECT_EQ(ItemOf(payout, kNow).amount.minor_units, 255);
  payout.payment.pricing->fee->back_if_returned = false;
  payout.stage = PayoutStage::kRejecting;
  EXPECT_EQ(ItemOf(payout, kNow).amount.minor_units, 255);
  // As much as is booked there.
  std::int64_t booked = 0;
  for (const StepPosting& posting : BookingOf(payout, 2).postings) {
    if (posting.credit_account_id == House(Role::kSuspense)) booked += posting.amount_minor;
  }
  EXPECT_EQ(booked, 255);
  EXPECT_EQ(ItemOf(payout, kNow).item_id, free.item_id);
  EXPECT_THAT(CheckReturnable(free),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("item_id")));
  EXPECT_THAT(CheckReturnable(Item()), IsOk());
}

TEST(SuspenseTest, OnlyAnAccountOfItsCurrencyAndBookIsCredited) {
  AccountFacts account{.account_id = kAccount, .owner_user_id = kOwner, .currency = kEuro};
  EXPECT_THAT(CheckAssignable(Item(), account, "main"), IsOk());
  account.book = "main";
  EXPECT_THAT(CheckAssignable(Item(), account, "main"), IsOk());
  const auto refused = [](Reason reason) {
    return AllOf(StatusHasReason(reason), StatusHasParam("account_id"));
  };
  EXPECT_THAT(CheckAssignable(Item(), std::nullopt, "main"), refused(Reason::kAccountNotFound));
  account.book = "other";
  EXPECT_THAT(CheckAssignable(Item(), account, "main"), refused(Reason::kInvalidField));
  account.currency = *Currency::Parse("USD");
  EXPECT_THAT(CheckAssignable(Item(), account, "main"), refused(Reason::kCurrencyMismatch));
}

TEST(SuspenseTest, WhatIsAssignedIsADepositOfTheOwner) {
  const SuspenseResolution resolution = Resolution(ResolutionKind::kAssign);
  const Payment payment = PaymentOf(Item(), resolution, kNow);
  EXPECT_EQ(payment.kind, Kind::kDeposit);
  EXPECT_EQ(payment.user_id, kOwner);
  EXPECT_EQ(payment.destination_account_id, kAccount);
  EXPECT_EQ(payment.reference, "Salary");
  EXPECT_THAT(PostingsOf(payment),
              ElementsAre(LedgerPosting{House(Role::kSuspense), kAccount, 70}));
  EXPECT_THAT(HouseAccountsOf(payment), ElementsAre(HouseAccount{Role::kSuspense, kEuro}));
  EXPECT_EQ(CreditedOf(payment), (Money{70, kEuro}));
  EXPECT_FALSE(IsFromSuspense(payment));
  EXPECT_NE(IdempotencyKeyOf(resolution).find(' '), std::string::npos) << "no user can send it";
}

// Whatever becomes of it, 2200 gives what the rail gets.
TEST(SuspenseTest, WhatIsReturnedIsAPayoutOfTheHouse) {
  const Payment payment = PaymentOf(Item(), Resolution(ResolutionKind::kReturn), kNow);
  EXPECT_TRUE(IsFromSuspense(payment));
  EXPECT_EQ(SenderOf(Item()).account, "d1");
  EXPECT_THAT(PostingsOf(payment), ElementsAre(LedgerPosting{House(Role::kSuspense),
                                                             House(Role::kOutboundClearing), 70}));
  for (const PayoutStage stage : {PayoutStage::kRejecting, PayoutStage::kReturning}) {
    const Payout payout{
        .payment = payment, .beneficiary = SenderOf(Item()), .rail = "sandbox", .stage = stage};
    EXPECT_EQ(BookingOf(payout, 1).postings[0].credit_account_id, House(Role::kSuspense));
  }
}

TEST(SuspenseTest, AReturnEndsWithItsPayout) {
  EXPECT_EQ(ReturnEndOf(PayoutStage::kSettled, ""), ReturnEnd{});
  EXPECT_EQ(ReturnEndOf(PayoutStage::kRejected, "AC01"),
            (ReturnEnd{R::kRefused, "rail_rejected", "AC01"}));
  EXPECT_EQ(ReturnEndOf(PayoutStage::kReturned, "AC04"),
            (ReturnEnd{R::kRefused, "rail_returned", "AC04"}));
  EXPECT_EQ(ReturnEndOf(PayoutStage::kRefused, "insufficient_funds"),
            (ReturnEnd{R::kRefused, "insufficient_funds", ""}));
  EXPECT_EQ(ReturnEndOf(PayoutStage::kCanceled, "")->failure_reason, "internal");
  for (const PayoutStage stage :
       {PayoutStage::kCreated, PayoutStage::kReserved, PayoutStage::kSending, PayoutStage::kSent,
        PayoutStage::kSettling, PayoutStage::kRejecting, PayoutStage::kReturning}) {
    EXPECT_EQ(ReturnEndOf(stage, ""), std::nullopt) << NameOf(stage);
  }
}

TEST(SuspenseTest, TwoPeopleAgreeOnEveryWord) {
  const std::string item = FormatSuspenseId(Item().item_id);
  EXPECT_EQ(PayloadOf(Resolution(ResolutionKind::kAssign)),
            R"({"account_id":")" + FormatId(IdKind::kAccount, kAccount) + R"(","item_id":")" +
                item + R"("})");
  EXPECT_EQ(PayloadOf(Resolution(ResolutionKind::kReturn)),
            R"({"item_id":")" + item + R"(","returned":true})");
}

TEST(SuspenseTest, ARefusalSaysWhy) {
  SuspenseResolution resolution = Resolution(ResolutionKind::kReturn);
  resolution.state = R::kRefused;
  resolution.failure_reason = "rail_rejected";
  resolution.rail_code = "AC01";
  const absl::Status failure = FailureOf(resolution);
  EXPECT_THAT(failure, StatusHasReason(Reason::kRailRejected));
  EXPECT_EQ(DetailOf(failure).metadata.at("rail_code"), "AC01");
  EXPECT_EQ(DetailOf(failure).metadata.at("item_id"), FormatSuspenseId(resolution.item_id));
}

}  // namespace
}  // namespace florin::payments
