// The rules of the book. A command is checked in this order; the first objection is the answer:
//
//   1. Idempotency: is the id known? Then the first decision stands: the same content gets it
//      again, other content is an id conflict.
//   2. Shape: what the command alone shows (command_rules.h).
//   3. Existence of the accounts, the hold, the transaction that it names.
//   4. State: accounts open or closed, currencies, the hold's state and time, what was reversed,
//      the business date, preconditions.
//   5. Limits: of the hold, of the counters, of the accounts.
//
// The reasons of each step, in order, are kRefusalRules of command_rules.h.
//
// Invariants kept here (numbers of DESIGN.md, section 3):
//   1. Every committed transaction debits and credits the same total in each currency, posted and
//      pending separately.
//   3. A command decided under an id stays decided; so a "no" that depended on the book never turns
//      into a "yes".
//   4. No account passes its limits, holds included. They bind after the whole transaction, not
//      between its postings. What resolves a hold can't pass them.
//
// Commands linked into a group commit all or none: the one that is refused says why, the others
// kLinkedTransactionFailed.
//
// Pure: no clock, no storage. Later commands of a batch see what earlier ones did, so a batch
// equals its commands (or groups) one by one.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/ledger/domain/command.h"

namespace florin::ledger {

// Whether a store has to write this outcome: decided now, and for ever.
bool IsNewDecision(const Outcome& outcome);

// What a batch needs to know of its book.
struct LoadedBook {
  BookState state;
  // Every account that the commands name, or the holds and transactions that they name.
  absl::flat_hash_map<Uuid, Account> accounts;
  // Every decision under an id of the commands, or of a transaction to reverse.
  absl::flat_hash_map<Uuid, Decision> decisions;
  absl::flat_hash_map<Uuid, Hold> holds;
  // Of each transaction to reverse: the postings that have been reversed.
  absl::flat_hash_map<Uuid, std::set<std::int64_t>> reversed;
};

// The ids that a batch needs loaded, each sorted and once. Accounts of the holds and transactions
// come on top (AccountsOf).
struct References {
  std::vector<Uuid> decisions;
  std::vector<Uuid> accounts;
  std::vector<Uuid> holds;
  std::vector<Uuid> reversed;
};
References ReferencesOf(std::span<const Command> commands);

// `references.accounts` and those of the holds and decisions in `book`, sorted and once.
std::vector<Uuid> AccountsOf(const References& references, const LoadedBook& book);

// What a store has to write for a batch, all in one commit: the outcomes that are new decisions,
// the entries, accounts, holds as they are now, and where the book stands now.
struct Effects {
  std::vector<Outcome> outcomes;  // One for each command, in order.
  std::vector<Entry> entries;     // In order of sequence.
  std::vector<Account> opened;    // New, in order of id.
  std::vector<Account> accounts;  // Changed, not new, in order of id.
  std::vector<Hold> made;         // New, in order of id.
  std::vector<Hold> holds;        // Changed, not new, in order of id.
  BookState state;
};

// Decides `commands` in order. Decisions are dated `now`, or as soon after the last of the book as
// is strictly later.
Effects ApplyBatch(LoadedBook book, std::span<const Command> commands, absl::Time now);

}  // namespace florin::ledger
