// All that is kept, at one moment, with what it was asked for.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "services/ledger/domain/posting_rules.h"
#include "tests/saga/world.h"

namespace florin::saga {

// What a payment is to be.
struct Asked {
  payments::PaymentRequest request;
  bool priced = true;      // By the fees of the deployment.
  bool scheduled = false;  // By the worker of schedules.
};

struct View {
  std::vector<payments::Payment> payments;
  std::map<Uuid, std::vector<payments::Step>> steps;        // By payment.
  std::map<Uuid, std::vector<payments::Dispute>> disputes;  // By payment.
  ledger::LoadedBook book;
  std::map<Uuid, payments::Payout> payouts;      // By payment.
  std::map<Uuid, Asked> asked;                   // By payment, as the keys say.
  std::map<Uuid, const Promise*> step_promises;  // By step.
  std::vector<std::string> disagreements;        // Of keys with that.
};

View Look(World& world);

// What the ledger says to a transaction, or nothing.
const ledger::Decision* DecisionOf(const View& view, const Uuid& transaction_id);

// What is kept of money that has arrived at the rail. Only when it is quiet: what was not received
// yet is received by it.
payments::RailDeposit DepositAt(World& world, const payments::RailEntry& entry);

// ---- A tiny model: what balances must be, by what was promised.

struct Balances {
  std::map<Uuid, std::int64_t> posted;  // By account: credits less debits.
  std::map<Uuid, std::int64_t> held;    // By account: debits pending.
};
Balances PromisedBalances(World& world, const View& view);

}  // namespace florin::saga
