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
<<<<<<< HEAD
                 AccountDirectory& accounts, ledger::v1::LedgerClient& ledger,
                 auth::v1::ProposalsClient& proposals, std::string book, bool may_owe)
      : charge_accounts(ledger, std::move(book)),
=======
                 AccountDirectory& accounts, ledger::v1::LedgerClient& ledger, rpc::Channel& auth,
                 std::string book, bool may_owe)
      : proposals(&auth),
        house(ledger, std::move(book)),
>>>>>>> charges
        parties(store, accounts),
        steps(executor, store, settlement, charge_accounts, SystemClock()),
        recovery(store, steps, SystemClock()),
        charges(steps, parties, store, SystemIds(), may_owe),
        disputes(steps, parties, store, proposals, SystemIds(), SystemClock()) {}

<<<<<<< HEAD
  ChargeAccounts charge_accounts;
=======
  auth::v1::ProposalsClient proposals;
  HouseAccounts house;
>>>>>>> charges
  PaymentParties parties;
  ChargeSteps steps;
  ChargeRecovery recovery;
  ChargesRpc charges;
  DisputesRpc disputes;
};

}  // namespace florin::payments
