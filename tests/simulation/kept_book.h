// What a store keeps of a book, read back whole, to be compared with the reference ledger and to be
// checked for the invariants of DESIGN.md section 3 by itself.
//
// Reading ends the test with a message if the store cannot be read or keeps what no book has.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "services/ledger/domain/posting_rules.h"
#include "services/ledger/store/fake_store.h"
#include "tests/simulation/reference_ledger.h"

namespace florin::simulation {

struct KeptBook {
  ledger::BookState state;
  std::vector<ledger::Decision> journal;  // In order of sequence.
  std::map<Uuid, ledger::Account> accounts;
  std::map<Uuid, std::vector<ledger::Entry>> entries;  // In order of sequence.
  std::map<Uuid, ledger::Hold> holds;
  // Key, value, sequence; nothing where the store has no index.
  std::optional<std::set<std::tuple<std::string, std::string, std::int64_t>>> index;
};

KeptBook ReadBook(ledger::FakeStore& store, const std::string& book);
// Reads the tables as the role of `conninfo`.
KeptBook ReadBook(const std::string& conninfo, const std::string& book);

// The first thing that is not as the reference has it, as text; nothing if all is. Messages of
// refusals are free.
std::optional<std::string> FirstDifference(const KeptBook& kept, const ReferenceBook& reference,
                                           const std::set<std::string>& indexed_metadata);

// Invariants 1 (conservation, at every commit), 3 (each id decided once; the journal has no gaps
// and its times increase) and 4 (limits, at every commit), from the journal and the entries alone.
std::optional<std::string> BrokenInvariant(const KeptBook& kept);

// Whether `outcome` is the answer that `verdict` demands.
bool Agree(const Verdict& verdict, const ledger::Outcome& outcome);

}  // namespace florin::simulation
