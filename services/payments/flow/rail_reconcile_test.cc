// Reconciliation with the sandbox's rail over the fake stores and a real channel to the ledger's
// double: each misbehaviour of the rail, and a crash after each step.
#include "services/payments/flow/rail_reconcile.h"

#include "services/payments/domain/iban.h"
#include "services/payments/flow/rail_deposits.h"
#include "services/payments/flow/rails_fixture.h"
#include "services/payments/flow/reconcile.h"
#include "services/payments/store/fake_rail_reconcile_store.h"

namespace florin::payments {
namespace {

using K = DiscrepancyKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RailReconcileTest : public RailsFixture {
 protected:
  RailReconcileTest() { reconcile_.Use({{"sandbox", &rail_}}); }

  // To an account that ends so.
  Payout Pay(const std::string& ending, std::int64_t minor_units = 250) {
    const PayoutRequest request{
        .source_account_id = a_,
        .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
        .beneficiary = *CheckBeneficiary("Secret Name", "", "account" + ending),
        .reference = "secret reference",
        .rail = "sandbox"};
    rpc::Outgoing context;
    const auto made =
        runtime_.Run(payouts_.Create(context, user_, SystemIds().NewId().ToString(), request));
    EXPECT_THAT(made, IsOk());
    return made->payout;
  }
  void Arrive(const std::string& id, int notifications = 1) {
    RailEntry deposit{.deposit_id = id,
                      .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
                      .account_reference = VirtualIbanOf(a_),
                      .reference = "secret reference"};
    EXPECT_THAT(runtime_.Run(rail_.Receive(std::move(deposit), notifications)), IsOk());
  }
  // What the worker does.
  void Work() {
    EXPECT_THAT(runtime_.Run(inbox_.RunOnce()), IsOk());
    EXPECT_THAT(runtime_.Run(payouts_.RunOnce()), IsOk());
  }
  RailReconcileResult Run(absl::Duration after = kMatchAfter + kStatementDelay) {
    clock_.Advance(after);
    const auto result = runtime_.Run(reconcile_.RunOnce());
    EXPECT_THAT(result, IsOk());
    return *result;
  }
  std::vector<Discrepancy> Open() {
    std::vector<Discrepancy> all;
    const auto open =
        runtime_.Run(store_.ListDiscrepancies(DiscrepancyState::kOpen, std::nullopt, 100));
    for (const KeptDiscrepancy& kept : open.value()) all.push_back(kept.discrepancy);
    return all;
  }
  std::vector<K> OpenKinds() {
    std::vector<K> kinds;
    for (const Discrepancy& one : Open()) kinds.push_back(one.kind);
    return kinds;
  }
  // Of the one that is open.
  std::int64_t AtRisk() { return Open().at(0).at_risk_minor; }

  FakeRailReconcileStore lines_{store_, deposit_store_};
  Payouts payouts_{PartsOf()};
  RailDeposits deposits_{store_, deposit_store_, directory_, settlement_,
                         chart_, clock_,         SystemIds()};
  RailInbox inbox_{{{"sandbox", &rail_}}, payouts_, deposits_};
  RailReconcile reconcile_{lines_, store_, reader_, clock_, "main"};
};

TEST_F(RailReconcileTest, WhatAgreesIsComparedOnce) {
  Pay("0000");
  Pay("9002", 20);
  Pay("9003", 100);
  Arrive("d1");
  Work();
  RailReconcileResult result = Run();
  EXPECT_EQ(result.lines, 3);
  EXPECT_EQ(result.payouts, 0) << "the rail has a day";
  clock_.Advance(absl::Hours(24));
  Work();  // The return.
  result = Run();
  EXPECT_EQ(result.lines, 1);
  EXPECT_EQ(result.payouts, 1);
  EXPECT_EQ(result.deposits, 1);
  EXPECT_EQ(Run(kStatementWithin).payouts, 1);
  result = Run(kStatementWithin);
  EXPECT_EQ(result.lines + result.payouts + result.deposits + result.found, 0);
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(RailReconcileTest, TheYoungAreLeftAlone) {
  Pay("9006");
  EXPECT_EQ(Run(kMatchAfter - absl::Microseconds(1)).lines, 0);
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(Run(absl::Microseconds(1)).lines, 2);
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kExecutedTwice));
}

TEST_F(RailReconcileTest, FindsWhatWasExecutedTwice) {
  const Payout payout = Pay("9006");
  Run();
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kExecutedTwice));
  EXPECT_EQ(AtRisk(), 250);
  EXPECT_EQ(Open()[0].payment_id, payout.payment.payment_id);
  EXPECT_EQ(Open()[0].rail, "sandbox");
  EXPECT_EQ(Run().agreed, 0);
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kExecutedTwice));
}

TEST_F(RailReconcileTest, FindsACharge) {
  Pay("9007", 900);
  Run();
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kRailAmountDiffers));
  EXPECT_EQ(AtRisk(), 100);
}

TEST_F(RailReconcileTest, FindsWhatTheRailHasOnlySaid) {
  const Payout payout = Pay("9008");
  EXPECT_EQ(payout.stage, PayoutStage::kSettled);
  Run();
  EXPECT_THAT(Open(), IsEmpty());
  Run(kStatementWithin);
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kMissingAtRail));
  EXPECT_EQ(AtRisk(), 250);
}

TEST_F(RailReconcileTest, FindsWhatWasPaidAlthoughRejected) {
  const Payout payout = Pay("9009");
  EXPECT_EQ(payout.stage, PayoutStage::kRejected);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
  Run();
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kStageDiffers));
  EXPECT_EQ(AtRisk(), 250);
}

// A payout that the rail has executed and says nothing about agrees once it is asked with success.
TEST_F(RailReconcileTest, AgreesByItselfOnceBothSayTheSame) {
  const Payout payout = Pay("9005");
  EXPECT_EQ(payout.stage, PayoutStage::kSent);
  Run();
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kStageDiffers));
  clock_.Advance(absl::Hours(1));
  Work();
  EXPECT_EQ(Run().agreed, 1);
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(RailReconcileTest, FindsADepositThatNobodyWasToldOf) {
  Arrive("untold", 0);
  Work();
  Run();
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kMissingHere));
  EXPECT_EQ(AtRisk(), 70);
  EXPECT_EQ(Open()[0].deposit_id, "untold");
  RailEntry told{.event = RailEvent::kDeposit,
                 .deposit_id = "untold",
                 .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
                 .account_reference = VirtualIbanOf(a_)};
  EXPECT_THAT(runtime_.Run(deposits_.Receive("sandbox", std::move(told))), IsOk());
  EXPECT_EQ(Run().agreed, 1);
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(RailReconcileTest, FindsADepositThatIsNotOnTheStatement) {
  RailEntry told{.event = RailEvent::kDeposit,
                 .deposit_id = "invented",
                 .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
                 .account_reference = VirtualIbanOf(a_)};
  EXPECT_THAT(runtime_.Run(deposits_.Receive("sandbox", std::move(told))), IsOk());
  Run();
  EXPECT_THAT(Open(), IsEmpty());
  Run(kStatementWithin);
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kMissingAtRail));
}

TEST_F(RailReconcileTest, FindsAPayoutThatNobodyHereHasMade) {
  RailPayout invented{.payout_id = SystemIds().NewId(),
                      .amount = {.minor_units = 30, .currency = *Currency::Parse("EUR")},
                      .beneficiary = {.name = "n", .account = "1"},
                      .reference = ""};
  const Uuid id = invented.payout_id;
  EXPECT_THAT(runtime_.Run(rail_.Submit(std::move(invented))), IsOk());
  Run();
  ASSERT_THAT(OpenKinds(), ElementsAre(K::kMissingHere));
  EXPECT_EQ(Open()[0].payment_id, id);
  EXPECT_EQ(AtRisk(), 30);
}

// Everything again after a crash before what was compared is recorded.
TEST_F(RailReconcileTest, ACrashInBetweenFindsTheSame) {
  Pay("9006");
  Pay("9008");
  lines_.FailRecords(true);
  clock_.Advance(kStatementWithin + kStatementDelay);
  EXPECT_THAT(runtime_.Run(reconcile_.RunOnce()), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kExecutedTwice));
  lines_.FailRecords(false);
  EXPECT_EQ(Run().lines, 2);
  EXPECT_THAT(OpenKinds(), UnorderedElementsAre(K::kExecutedTwice, K::kMissingAtRail));
  EXPECT_EQ(Run().lines, 0);
}

// More than are read at once, of which many at one moment.
TEST_F(RailReconcileTest, ComparesCrowds) {
  for (int i = 0; i < 1'201; ++i) Arrive(std::to_string(i), 0);
  const RailReconcileResult result = Run();
  EXPECT_EQ(result.lines, 1'201);
  EXPECT_EQ(result.found, 1'201);
}

TEST_F(RailReconcileTest, TheSettlementAccountHasWhatIsExplained) {
  Pay("9006");
  Pay("9008", 20);
  Arrive("d1");
  Work();
  Run(kStatementWithin + kStatementDelay);
  EXPECT_THAT(OpenKinds(), UnorderedElementsAre(K::kExecutedTwice, K::kMissingAtRail))
      << "which explain why it is not what the statement says";
  const Uuid nostro = HouseAccountId({Role::kNostro, *Currency::Parse("EUR")});
  ledger_double_.Fund(nostro, 5);
  Run();
  EXPECT_THAT(OpenKinds(),
              UnorderedElementsAre(K::kExecutedTwice, K::kMissingAtRail, K::kSettlementDiffers));
  ledger_double_.Fund(nostro, -5);
  EXPECT_EQ(Run().agreed, 1);
  EXPECT_THAT(OpenKinds(), UnorderedElementsAre(K::kExecutedTwice, K::kMissingAtRail));
}

// The comparison with the ledger leaves those of rails alone, and the other way round.
TEST_F(RailReconcileTest, EachLooksAgainAtItsOwn) {
  Reconcile ledgers(store_, reader_, clock_, "main");
  Pay("9006");
  Create(Transfer(400), "1").value();
  Run();
  EXPECT_THAT(runtime_.Run(ledgers.RunOnce()), IsOk());
  const std::vector<K> open = OpenKinds();
  EXPECT_THAT(open, ::testing::Contains(K::kExecutedTwice));
  EXPECT_THAT(open, ::testing::Contains(K::kMissingInLedger));
  EXPECT_EQ(runtime_.Run(ledgers.RunOnce())->agreed, 0);
  EXPECT_EQ(Run().agreed, 0);
  EXPECT_EQ(OpenKinds(), open);
}

TEST_F(RailReconcileTest, GoesOnWhenTheLedgerCouldNotBeReached) {
  Pay("9006");
  reader_double_.SetAvailable(false);
  clock_.Advance(kMatchAfter + kStatementDelay);
  EXPECT_THAT(runtime_.Run(reconcile_.RunOnce()), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(OpenKinds(), ElementsAre(K::kExecutedTwice)) << "nothing of it needs the ledger";
  reader_double_.SetAvailable(true);
  EXPECT_EQ(Run().lines, 0);
}

}  // namespace
}  // namespace florin::payments
