// Deposits of the sandbox's rail over the fake stores and a real channel to the ledger's double.
#include "services/payments/flow/rail_deposits.h"

#include "services/payments/domain/iban.h"
#include "services/payments/flow/rails_fixture.h"

namespace florin::payments {
namespace {

class RailDepositsTest : public RailsFixture {
 protected:
  RailEntry Deposit(const std::string& id, const std::string& account, std::int64_t minor_units,
                    const std::string& currency = "EUR") {
    return {.deposit_id = id,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse(currency)},
            .account_reference = account,
            .reference = "secret reference"};
  }
  void Arrive(const RailEntry& deposit, int notifications = 1) {
    EXPECT_THAT(runtime_.Run(rail_.Receive(deposit, notifications)), IsOk());
  }
  // Rounds of the worker until nothing is left to notify.
  int Work() {
    int rounds = 0;
    while (runtime_.Run(inbox_.RunOnce()).value() > 0 && rounds < 20) ++rounds;
    return rounds;
  }
  void ExpectCleared() {
    EXPECT_EQ(House(Role::kInboundClearing), 0);
    EXPECT_EQ(House(Role::kOutboundClearing), 0);
  }

  Payouts payouts_{PartsOf()};
  RailDeposits deposits_{store_, deposit_store_, directory_, settlement_,
                         chart_, clock_,         SystemIds()};
  RailInbox inbox_{{{"sandbox", &rail_}}, payouts_, deposits_};
};

TEST_F(RailDepositsTest, CreditsTheAccountThatItsReferenceNames) {
  Arrive(Deposit("d1", VirtualIbanOf(a_), 70));
  EXPECT_EQ(Work(), 1);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1070);
  EXPECT_EQ(House(Role::kNostro), -70);
  ExpectCleared();
  const std::vector<Payment> payments = Payments();
  ASSERT_EQ(payments.size(), 1u);
  EXPECT_EQ(payments[0].kind, Kind::kDeposit);
  EXPECT_EQ(payments[0].state, State::kSucceeded);
  EXPECT_EQ(payments[0].reference, "secret reference");
  EXPECT_EQ(ledger_double_.all_requests().find("secret"), std::string::npos);
}

TEST_F(RailDepositsTest, ManyNotificationsAreOneDeposit) {
  Arrive(Deposit("d1", VirtualIbanOf(a_), 70), 4);
  Arrive(Deposit("d1", VirtualIbanOf(a_), 70), 4);
  EXPECT_EQ(Work(), 4);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1070);
  EXPECT_EQ(Payments().size(), 1u);
  Arrive(Deposit("d2", VirtualIbanOf(a_), 70));
  Work();
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1140) << "another id, another deposit";
  EXPECT_THAT(runtime_.Run(rail_.Receive(Deposit("d1", VirtualIbanOf(a_), 71), 1)),
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(RailDepositsTest, WhatBelongsToNobodyWaitsInSuspense) {
  Arrive(Deposit("a", "DE89370400440532013000", 1));
  Arrive(Deposit("b", VirtualIbanOf(SystemIds().NewId()), 2));
  Arrive(Deposit("c", VirtualIbanOf(d_), 4));  // Of another currency.
  Work();
  EXPECT_EQ(House(Role::kSuspense), 7);
  EXPECT_EQ(House(Role::kNostro), -7);
  ExpectCleared();
  EXPECT_TRUE(Payments().empty());
}

TEST_F(RailDepositsTest, WhatAClosedAccountDoesNotTakeWaitsInSuspense) {
  ledger_double_.Fund(a_, -1000);
  ledger_double_.Close(a_);
  Arrive(Deposit("d1", VirtualIbanOf(a_), 70));
  Work();
  EXPECT_EQ(House(Role::kSuspense), 70);
  ExpectCleared();
  ASSERT_EQ(Payments().size(), 1u);
  EXPECT_EQ(Payments()[0].failure_reason, "account_closed");
}

// Whose it is is decided once: an account that is opened later does not get it a second time.
TEST_F(RailDepositsTest, NobodysIsNotSomebodysLater) {
  const Uuid late = SystemIds().NewId();
  Arrive(Deposit("d1", VirtualIbanOf(late), 70));
  deposit_store_.FailAdvances(true);
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_THAT(runtime_.Run(inbox_.RunOnce()), IsOk());
  deposit_store_.FailAdvances(false);
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(runtime_.Run(inbox_.RunOnce()), IsOk());
  ledger_double_.SetFault(Fault::kNone);
  accounts_double_.Add(
      {.account_id = late, .owner_user_id = user_, .currency = *Currency::Parse("EUR")});
  ledger_double_.Fund(late, 0);
  Work();
  EXPECT_EQ(House(Role::kSuspense), 70);
  EXPECT_EQ(ledger_double_.BalanceOf(late), 0);
}

TEST_F(RailDepositsTest, EveryLossIsMadeUpFor) {
  std::int64_t balance = 1000;
  int number = 0;
  for (const Fault fault : {Fault::kUnavailable, Fault::kAnswerLost, Fault::kNotFinal}) {
    Arrive(Deposit(std::to_string(++number), VirtualIbanOf(a_), 10));
    ledger_double_.SetFault(fault);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(runtime_.Run(inbox_.RunOnce()).value(), 1);
    ledger_double_.SetFault(Fault::kNone);
    Work();
    balance += 10;
    EXPECT_EQ(ledger_double_.BalanceOf(a_), balance);
    ExpectCleared();
  }
  Arrive(Deposit("database", VirtualIbanOf(a_), 10));
  deposit_store_.FailAdvances(true);
  EXPECT_EQ(runtime_.Run(inbox_.RunOnce()).value(), 1);
  deposit_store_.FailAdvances(false);
  store_.FailRecords(true);
  EXPECT_EQ(runtime_.Run(inbox_.RunOnce()).value(), 1);
  store_.FailRecords(false);
  accounts_double_.SetAvailable(false);
  Work();
  EXPECT_EQ(ledger_double_.BalanceOf(a_), balance + 10);
  ExpectCleared();
  for (const Payment& payment : Payments()) EXPECT_EQ(payment.state, State::kSucceeded);
}

}  // namespace
}  // namespace florin::payments
