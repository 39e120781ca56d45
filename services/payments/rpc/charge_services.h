// All of captures, refunds and disputes but their store, wired together.
#pragma once

#include <string>

#include "services/payments/flow/charge_recovery.h"
#include "services/payments/rpc/charges_rpc.h"
#include "services/payments/rpc/disputes_rpc.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
struct ChargeServices {
  // References outlive this. `auth`: to that service. `may_owe`: as of ChargesRpc.
  ChargeServices(Executor executor, ChargeStore& store, Settlement& settlement,
                 AccountDirectory& accounts, ledger::v1::LedgerClient& ledger, rpc::Channel& auth,
                 std::string book, bool may_owe)
      : proposals(&auth),
        charge_accounts(ledger, std::move(book)),
        parties(store, accounts),
        steps(executor, store, settlement, charge_accounts, SystemClock()),
        recovery(store, steps, SystemClock()),
        charges(steps, parties, store, SystemIds(), may_owe),
        disputes(steps, parties, store, proposals, SystemIds(), SystemClock()) {}

  auth::v1::ProposalsClient proposals;
  ChargeAccounts charge_accounts;
  PaymentParties parties;
  ChargeSteps steps;
  ChargeRecovery recovery;
  ChargesRpc charges;
  DisputesRpc disputes;
};

}  // namespace florin::payments
