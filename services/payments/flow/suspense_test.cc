// Suspense over the fake stores, the sandbox's rail in memory and real channels to the doubles of
// ledger, accounts and auth: what gets there, each way out of it, and a crash after each step.
#include "services/payments/flow/suspense.h"

#include "services/payments/flow/rail_deposits.h"
#include "services/payments/flow/rails_fixture.h"
#include "services/payments/store/fake_suspense_store.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::SizeIs;

class SuspenseTest : public RailsFixture {
 protected:
  // 70 that nobody can be credited with, under the rail's `id`.
  SuspenseItem Arrive(const std::string& id = "d1") {
    const RailEntry deposit{.deposit_id = id,
                            .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
                            .account_reference = "DE89370400440532013000",
                            .reference = "secret reference"};
    EXPECT_THAT(runtime_.Run(rail_.Receive(deposit, 1)), IsOk());
    Work();
    const auto items =
        runtime_.Run(suspense_store_.ListItems(SuspenseState::kOpen, std::nullopt, 100)).value();
    for (const KeptSuspense& kept : items) {
      if (kept.item.deposit_id == id) return kept.item;
    }
    ADD_FAILURE() << "nothing in suspense";
    return items.at(0).item;
  }
  // Rounds of the worker, once so much time has passed.
  void Work(absl::Duration after = kLease) {
    clock_.Advance(after);
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(runtime_.Run(inbox_.RunOnce()), IsOk());
      EXPECT_THAT(runtime_.Run(payouts_.RunOnce()), IsOk());
      EXPECT_THAT(runtime_.Run(suspense_.RunOnce()), IsOk());
    }
  }
  // As two people have agreed.
  Suspense::Asked Agreed(const SuspenseItem& item, ResolutionKind kind, const std::string& key,
                         const Uuid& account = Uuid()) {
    Suspense::Asked asked{.operator_id = operator_,
                          .idempotency_key = key,
                          .item_id = item.item_id,
                          .kind = kind,
                          .account_id = account,
                          .proposal_id = SystemIds().NewId()};
    const SuspenseResolution agreed{.item_id = item.item_id, .kind = kind, .account_id = account};
    const crypto::Digest digest = crypto::Sha256(PayloadOf(agreed));
    proposals_double_.Approve(FormatId(IdKind::kProposal, asked.proposal_id), "payments.suspense",
                              crypto::Hex(crypto::AsOctets(digest)));
    return asked;
  }
  absl::StatusOr<Suspense::Outcome> Do(const Suspense::Asked& asked) {
    rpc::Outgoing context;
    return runtime_.Run(suspense_.Resolve(context, asked));
  }
  absl::StatusOr<Suspense::Outcome> Assign(const SuspenseItem& item, const Uuid& account,
                                           const std::string& key = "key") {
    return Do(Agreed(item, ResolutionKind::kAssign, key, account));
  }
  absl::StatusOr<Suspense::Outcome> Return(const SuspenseItem& item,
                                           const std::string& key = "key") {
    return Do(Agreed(item, ResolutionKind::kReturn, key));
  }
  KeptSuspense Kept(const SuspenseItem& item) {
    return runtime_.Run(suspense_store_.FindItem(item.item_id)).value();
  }
  // This is in suspense, and nothing is on its way.
  void ExpectAtRest(std::int64_t suspense) {
    EXPECT_EQ(House(Role::kSuspense), suspense);
    EXPECT_EQ(ledger_double_.HeldOf(HouseAccountId({Role::kSuspense, *Currency::Parse("EUR")})), 0);
    EXPECT_EQ(House(Role::kInboundClearing), 0);
    EXPECT_EQ(House(Role::kOutboundClearing), 0);
  }
  Payouts::Parts TellingSuspense() {
    Payouts::Parts parts = PartsOf();
    parts.suspense = &suspense_store_;
    return parts;
  }

  const Uuid operator_ = SystemIds().NewId();
  FakeSuspenseStore suspense_store_;
  Payouts payouts_{TellingSuspense()};
  RailDeposits deposits_{store_, deposit_store_, directory_,  settlement_,
                         chart_, clock_,         SystemIds(), &suspense_store_};
  RailInbox inbox_{{{"sandbox", &rail_}}, payouts_, deposits_};
  Suspense suspense_{{.store = suspense_store_,
                      .payments = store_,
                      .accounts = directory_,
                      .settlement = settlement_,
                      .payouts = payouts_,
                      .rails = {{"sandbox", &rail_}},
                      .proposals = proposals_,
                      .clock = clock_,
                      .ids = SystemIds()}};
};

TEST_F(SuspenseTest, WhatIsAssignedIsCreditedOnce) {
  const SuspenseItem item = Arrive();
  EXPECT_EQ(item.account_reference, "DE89370400440532013000");
  ExpectAtRest(70);
  const Suspense::Asked asked = Agreed(item, ResolutionKind::kAssign, "key", a_);
  const auto done = Do(asked);
  ASSERT_THAT(done, IsOk());
  EXPECT_FALSE(done->replayed);
  EXPECT_EQ(StateOf(done->kept), SuspenseState::kAssigned);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1070);
  ExpectAtRest(0);
  const std::vector<Payment> payments = Payments();
  ASSERT_THAT(payments, SizeIs(1));
  EXPECT_EQ(payments[0].kind, Kind::kDeposit);
  EXPECT_EQ(payments[0].state, State::kSucceeded);
  EXPECT_EQ(payments[0].reference, "secret reference");
  EXPECT_EQ(payments[0].payment_id, done->kept.resolution->payment_id);
  const int moved = ledger_double_.committed();
  const auto again = Do(asked);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->kept, done->kept);
  EXPECT_THAT(Assign(item, b_, "another"), StatusHasReason(Reason::kSuspenseItemClosed));
  EXPECT_THAT(Return(item, "third"), StatusHasReason(Reason::kSuspenseItemClosed));
  Suspense::Asked other = asked;
  other.account_id = b_;
  EXPECT_THAT(Do(other), StatusHasReason(Reason::kIdempotencyKeyReused));
  Work();
  EXPECT_EQ(ledger_double_.committed(), moved);
  EXPECT_EQ(ledger_double_.all_requests().find("secret"), std::string::npos);
}

TEST_F(SuspenseTest, WithoutTwoPeopleNothingHappens) {
  const SuspenseItem item = Arrive();
  Suspense::Asked asked = Agreed(item, ResolutionKind::kAssign, "key", a_);
  asked.account_id = b_;
  EXPECT_THAT(Do(asked), StatusHasReason(Reason::kProposalAltered)) << "agreed on for another";
  asked.account_id = a_;
  asked.proposal_id = SystemIds().NewId();
  EXPECT_THAT(Do(asked), StatusHasReason(Reason::kProposalNotFound));
  EXPECT_EQ(StateOf(Kept(item)), SuspenseState::kOpen);
  ExpectAtRest(70);
  // One agreement is one resolution.
  const SuspenseItem second = Arrive("d2");
  const Suspense::Asked agreed = Agreed(item, ResolutionKind::kAssign, "1", a_);
  ASSERT_THAT(Do(agreed), IsOk());
  Suspense::Asked reused = agreed;
  reused.idempotency_key = "2";
  reused.item_id = second.item_id;
  EXPECT_THAT(Do(reused), StatusHasReason(Reason::kProposalAltered));
  ExpectAtRest(70);
}

TEST_F(SuspenseTest, WhatCannotBeUsesNothingUp) {
  const SuspenseItem item = Arrive();
  const auto refused = [](Reason reason) {
    return AllOf(StatusHasReason(reason), StatusHasParam("account_id"));
  };
  EXPECT_THAT(Assign(item, SystemIds().NewId()), refused(Reason::kAccountNotFound));
  EXPECT_THAT(Assign(item, d_), refused(Reason::kCurrencyMismatch));
  const Uuid elsewhere = SystemIds().NewId();
  accounts_double_.Add({.account_id = elsewhere,
                        .owner_user_id = user_,
                        .currency = *Currency::Parse("EUR"),
                        .book = "other"});
  EXPECT_THAT(Assign(item, elsewhere), refused(Reason::kInvalidField));
  SuspenseItem nothing = item;
  nothing.item_id = SystemIds().NewId();
  EXPECT_THAT(Assign(nothing, a_), StatusHasReason(Reason::kSuspenseItemNotFound));
  EXPECT_EQ(Kept(item).resolution, std::nullopt);
  EXPECT_THAT(Assign(item, a_), IsOk()) << "the key was not used";
}

TEST_F(SuspenseTest, AClosedAccountIsRefusedAndTheItemIsOpenAgain) {
  const SuspenseItem item = Arrive();
  ledger_double_.Close(b_);
  const Suspense::Asked asked = Agreed(item, ResolutionKind::kAssign, "key", b_);
  for (int i = 0; i < 2; ++i) {
    const auto outcome = Do(asked);
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->replayed, i == 1);
    EXPECT_EQ(outcome->kept.resolution->state, ResolutionState::kRefused);
    EXPECT_THAT(FailureOf(*outcome->kept.resolution), StatusHasReason(Reason::kAccountClosed));
  }
  EXPECT_EQ(StateOf(Kept(item)), SuspenseState::kOpen);
  ExpectAtRest(70);
  ASSERT_THAT(Assign(item, a_, "anew"), IsOk());
  EXPECT_THAT(FailureOf(*Do(asked)->kept.resolution), StatusHasReason(Reason::kAccountClosed))
      << "its key stands for that for ever";
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1070);
  ExpectAtRest(0);
}

TEST_F(SuspenseTest, WhatIsReturnedIsPaidByTheRail) {
  const SuspenseItem item = Arrive();
  const auto sent = Return(item);
  ASSERT_THAT(sent, IsOk());
  EXPECT_EQ(StateOf(sent->kept), SuspenseState::kReturned);
  ExpectAtRest(0);
  EXPECT_EQ(House(Role::kNostro), 0) << "it came in and went out";
  EXPECT_TRUE(Payments().empty()) << "it is no user's";
  clock_.Advance(kStatementDelay);
  const auto statement = runtime_.Run(rail_.Statement("", 10));
  ASSERT_THAT(statement->entries, SizeIs(2));
  EXPECT_EQ(statement->entries[1].payout_id, sent->kept.resolution->payment_id);
  EXPECT_THAT(Assign(item, a_, "late"), StatusHasReason(Reason::kSuspenseItemClosed));
}

// The sandbox's rail behaves as the last four characters of the deposit's id say.
TEST_F(SuspenseTest, WhatTheRailRejectsIsOpenAgain) {
  const SuspenseItem item = Arrive("d9002");
  const Suspense::Asked asked = Agreed(item, ResolutionKind::kReturn, "key");
  for (int i = 0; i < 2; ++i) {
    const auto outcome = Do(asked);
    ASSERT_THAT(outcome, IsOk());
    const absl::Status failure = FailureOf(*outcome->kept.resolution);
    EXPECT_THAT(failure, StatusHasReason(Reason::kRailRejected));
    EXPECT_EQ(DetailOf(failure).metadata.at("rail_code"), "AC01");
  }
  EXPECT_EQ(StateOf(Kept(item)), SuspenseState::kOpen);
  ExpectAtRest(70);
  ASSERT_THAT(Assign(item, a_, "instead"), IsOk());
  ExpectAtRest(0);
}

TEST_F(SuspenseTest, WhatTheRailSendsBackLaterIsOpenAgain) {
  const SuspenseItem item = Arrive("d9003");
  const auto sent = Return(item);
  ASSERT_THAT(sent, IsOk());
  EXPECT_EQ(StateOf(sent->kept), SuspenseState::kReturned);
  Work(absl::Hours(25));
  const KeptSuspense back = Kept(item);
  EXPECT_EQ(StateOf(back), SuspenseState::kOpen);
  EXPECT_EQ(back.resolution->failure_reason, "rail_returned");
  EXPECT_EQ(back.resolution->rail_code, "AC04");
  ExpectAtRest(70);
  ASSERT_THAT(Assign(item, a_, "instead"), IsOk());
  ExpectAtRest(0);
}

TEST_F(SuspenseTest, WhatIsOnItsWayIsNobodyElses) {
  const SuspenseItem item = Arrive("d9001");
  const auto sent = Return(item);
  ASSERT_THAT(sent, IsOk());
  EXPECT_EQ(StateOf(sent->kept), SuspenseState::kReturning);
  EXPECT_EQ(House(Role::kSuspense), 0);
  EXPECT_EQ(House(Role::kOutboundClearing), 70);
  EXPECT_THAT(Assign(item, a_, "meanwhile"), StatusHasReason(Reason::kSuspenseItemClosed));
  Work(absl::Minutes(61));
  EXPECT_EQ(StateOf(Kept(item)), SuspenseState::kReturned);
  ExpectAtRest(0);
}

TEST_F(SuspenseTest, APayoutThatCameBackToAClosedAccountIsAnItem) {
  const PayoutRequest request{.source_account_id = a_,
                              .amount = {.minor_units = 1000, .currency = *Currency::Parse("EUR")},
                              .beneficiary = *CheckBeneficiary("Jo", "DE98500105170600009003", ""),
                              .reference = "",
                              .rail = "sandbox"};
  rpc::Outgoing context;
  const auto made = runtime_.Run(payouts_.Create(context, user_, "payout", request));
  ASSERT_THAT(made, IsOk());
  ledger_double_.Close(a_);
  Work(absl::Hours(25));
  const auto items =
      runtime_.Run(suspense_store_.ListItems(SuspenseState::kOpen, std::nullopt, 10)).value();
  ASSERT_THAT(items, SizeIs(1));
  const SuspenseItem& item = items[0].item;
  EXPECT_EQ(item.payment_id, made->payout.payment.payment_id);
  EXPECT_EQ(item.account_id, a_);
  ExpectAtRest(1000);
  EXPECT_THAT(Return(item),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("item_id")));
  ASSERT_THAT(Assign(item, b_), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 1000);
  ExpectAtRest(0);
}

// The ledger, its answers, or the database are gone at each step in turn.
TEST_F(SuspenseTest, EveryLossIsMadeUpFor) {
  std::int64_t balance = 1000;
  int number = 0;
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost, Fault::kNotFinal}) {
    for (const ResolutionKind kind : {ResolutionKind::kAssign, ResolutionKind::kReturn}) {
      const std::string id = "x" + std::to_string(++number);
      const SuspenseItem item = Arrive(id);
      const bool assigns = kind == ResolutionKind::kAssign;
      const Suspense::Asked asked = Agreed(item, kind, id, assigns ? a_ : Uuid());
      ledger_double_.SetFault(fault);
      (void)Do(asked);
      Work();
      ledger_double_.SetFault(Fault::kNone);
      for (int i = 0; i < 4; ++i) Work();
      balance += assigns ? 70 : 0;
      EXPECT_EQ(ledger_double_.BalanceOf(a_), balance);
      EXPECT_EQ(StateOf(Kept(item)), assigns ? SuspenseState::kAssigned : SuspenseState::kReturned);
      ExpectAtRest(0);
      const auto again = Do(asked);
      ASSERT_THAT(again, IsOk());
      EXPECT_TRUE(again->replayed);
    }
  }
}

TEST_F(SuspenseTest, ALostEndIsMadeUpFor) {
  for (const ResolutionKind kind : {ResolutionKind::kAssign, ResolutionKind::kReturn}) {
    const bool assigns = kind == ResolutionKind::kAssign;
    const SuspenseItem item = Arrive(assigns ? "assigned" : "returned");
    suspense_store_.FailEnds(true);
    const std::string key(NameOf(kind));
    EXPECT_FALSE(Do(Agreed(item, kind, key, assigns ? a_ : Uuid())).ok());
    Work();
    EXPECT_EQ(Kept(item).resolution->state, ResolutionState::kPending);
    suspense_store_.FailEnds(false);
    Work();
    EXPECT_EQ(StateOf(Kept(item)), assigns ? SuspenseState::kAssigned : SuspenseState::kReturned);
    ExpectAtRest(0);
  }
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1070);
}

}  // namespace
}  // namespace florin::payments
