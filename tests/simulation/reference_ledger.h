// The ledger once more, written from its contract (proto/florin/ledger/v1, DESIGN.md section 4,
// docs/ledger-rules.md) as simply as possible, to hold services/ledger against: one book in plain
// maps, no batches, no undo, balances summed up from entries each time. It shares the *values* of
// services/ledger/domain (command.h, values.h) and none of its rules.
//
// Where a refusal may name one of several fields, a verdict has them all. Messages are free.
//
// Times have microseconds. Not thread-safe. Errors are refusals and openings that say why.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/ledger/domain/command.h"

namespace florin::simulation {

// Why a command has no effect, and which fields a refusal may name (none: any).
struct Objection {
  Reason reason;
  std::vector<std::string> params;
};

// The answer that a command must get, but for the message and the choice among `params`.
struct Verdict {
  ledger::Outcome outcome;
  std::vector<std::string> params;
};

struct ReferenceAccount {
  ledger::AccountTerms terms;
  bool closed = false;
  ledger::Freeze frozen = {};
  std::vector<ledger::Entry> entries;  // Version 1 first.
};

// All that there is of a book. A value: to take something back, keep a copy.
struct ReferenceBook {
  std::vector<Verdict> journal;        // Sequence 1 first.
  std::map<Uuid, std::size_t> places;  // Of ids in the journal, from 0.
  std::map<Uuid, ReferenceAccount> accounts;
  std::map<Uuid, ledger::Hold> holds;
  std::set<std::pair<Uuid, std::int64_t>> reversed;  // Transaction, number of its posting.
  absl::Time closed_until = absl::InfinitePast();

  absl::Time LastCommitTime() const;
  // The decision under an id; null if there is none.
  const ledger::Decision* Find(const Uuid& id) const;
  // The sum of an account's entries.
  ledger::Account AccountNow(const Uuid& id) const;
};

class ReferenceLedger {
 public:
  // Decides commands and groups one after the other.
  std::vector<Verdict> Commit(const std::vector<ledger::Command>& commands, absl::Time now);
  // What Commit would give now.
  std::vector<Verdict> DryRun(const std::vector<ledger::Command>& commands, absl::Time now) const;

  // All accounts as they are now, or why none was opened.
  struct Opening {
    std::vector<ledger::Account> accounts;
    std::optional<Objection> objection;
  };
  Opening OpenAccounts(const std::vector<ledger::AccountTerms>& accounts, absl::Time now);

  std::vector<Uuid> ExpiredHolds(absl::Time now, int limit) const;

  const ReferenceBook& book() const { return book_; }

 private:
  std::vector<Verdict> DecideGroup(const std::vector<ledger::Command>& group, absl::Time now);
  Verdict Repeat(const ledger::Command& command) const;
  Verdict Record(Verdict verdict, absl::Time now);

  ReferenceBook book_;
};

}  // namespace florin::simulation
