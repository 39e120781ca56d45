// What a simulated book is asked to do: seeded sequences of steps over the full command set, with
// retries, conflicts, duplicates, late and repeated deliveries, and a clock that jumps. Steps are
// made beforehand and refer to each other only by ids, so any part of a sequence is a sequence, and
// a failing one can be cut down.
//
// A seed means the same steps everywhere (random.h). Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "services/ledger/domain/command.h"

namespace florin::simulation {

struct Step {
  enum class Kind {
    kCommit,        // Store::Commit of `commands`.
    kDryRun,        // Store::DryRun of `commands`.
    kOpenAccounts,  // Store::OpenAccounts of `accounts`.
    kSweep,         // Store::ExpiredHolds, at most `limit`, and Commit of their expiries.
  };
  Kind kind = Kind::kCommit;
  absl::Time now;
  std::vector<ledger::Command> commands = {};
  std::vector<ledger::AccountTerms> accounts = {};
  int limit = 0;

  friend bool operator==(const Step&, const Step&) = default;
};

// The keys of metadata by which the book must find transactions.
std::set<std::string> IndexedMetadata();

std::vector<Step> MakeWorkload(std::uint64_t seed, int steps);

// A short sequence in which every statement of a store has something to do: openings, holds made,
// changed and swept, reversals, a group, indexed metadata, a dry run.
std::vector<Step> OneOfEverything();

}  // namespace florin::simulation
