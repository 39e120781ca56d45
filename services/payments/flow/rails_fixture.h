// PaymentsFixture with the sandbox's rail in memory.
#pragma once

#include "services/payments/flow/payments_fixture.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/sandbox_rail.h"
#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_sandbox_rail_store.h"

namespace florin::payments {

class RailsFixture : public PaymentsFixture {
 protected:
  // Of payouts over that rail, which nobody has to approve.
  Payouts::Parts PartsOf() {
    const CreatePayment::Approving approving{store_, approvals_, ApprovalPolicy()};
    return {.payments = store_,
            .payouts = store_,
            .accounts = directory_,
            .settlement = settlement_,
            .chart = chart_,
            .confirm = confirm_,
            .approving = approving,
            .rails = {{"sandbox", &rail_}},
            .clock = clock_,
            .ids = SystemIds()};
  }
  std::int64_t House(Role role, const std::string& currency = "EUR") {
    return ledger_double_.BalanceOf(HouseAccountId({role, *Currency::Parse(currency)}));
  }

  FakeSandboxRailStore rail_store_;
  FakeDepositStore deposit_store_;
  SandboxRail rail_{rail_store_, clock_};
};

}  // namespace florin::payments
