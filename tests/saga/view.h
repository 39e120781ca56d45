// All that is kept, at one moment, with what it was asked for.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/ledger/domain/posting_rules.h"
#include "tests/saga/world.h"

namespace florin::saga {

// What a payment is to be.
struct Asked {
  payments::PaymentRequest request;
  bool priced = true;      // By the fees of the deployment.
  bool scheduled = false;  // By the worker of schedules.
  bool approved = false;   // With its schedule or bulk.
};

// With what there may be of it elsewhere.
struct SeenItem {
  payments::BulkItem item;
  std::optional<Uuid> payment_id;  // Kept under its key.
  // At the ledger, if it is one of all or nothing.
  Uuid hold_id;
  Uuid void_id;
  Uuid transaction_id;
};
struct SeenBulk {
  payments::Bulk bulk;
  std::vector<SeenItem> items;
};

struct View {
  std::vector<payments::Payment> payments;
  std::map<Uuid, std::vector<payments::Step>> steps;        // By payment.
  std::map<Uuid, std::vector<payments::Dispute>> disputes;  // By payment.
  ledger::LoadedBook book;                                  // The usual one.
  ledger::LoadedBook other;                                 // Empty where there is one only.
  std::map<Uuid, payments::Payout> payouts;                 // By payment.
  std::map<Uuid, Asked> asked;                              // By payment, as the keys say.
  std::map<Uuid, const Promise*> step_promises;             // By step.
  std::vector<std::string> disagreements;                   // Of keys with that.
  std::map<Uuid, payments::BookTransfer> transfers;         // By payment, of those between books.
  std::vector<SeenBulk> bulks;

  const ledger::LoadedBook& In(const std::string& name) const {
    return name == kBook ? book : other;
  }
};

// Where what the payment debits is.
std::string SourceBookOf(const payments::Payment& payment);

View Look(World& world);

// What the ledger says to a transaction, in whichever book, or nothing.
const ledger::Decision* DecisionOf(const View& view, const Uuid& transaction_id);

// What is kept of money that has arrived at the rail. Only when it is quiet: what was not received
// yet is received by it.
payments::RailDeposit DepositAt(World& world, const payments::RailEntry& entry);

// ---- A tiny model: what balances must be, by what was promised.

// What the schedule of the world makes it cost.
std::int64_t FeeOf(const World& world, const Asked& asked);

using BookAccount = std::pair<std::string, Uuid>;  // An account of a book.
struct Balances {
  std::map<BookAccount, std::int64_t> posted;  // Credits less debits.
  std::map<BookAccount, std::int64_t> held;    // Debits pending.
};
Balances PromisedBalances(World& world, const View& view);

}  // namespace florin::saga
