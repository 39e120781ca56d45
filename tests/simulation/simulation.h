// Runs a sequence of steps against a store and against the reference ledger, side by side.
//
// Under faults. The store is called again with the same batch and the same `now` for as long as it
// answers kUnavailable, as its contract has callers do. A batch may so have been committed more
// than once: pg::Pool repeats it after a COMMIT whose answer was lost, and the simulation after
// kUnavailable. Each such commit is one more decision about the same commands, in which all ids are
// known already; the wire counts them, and the reference decides the batch that often. What the
// caller is told must be the last decision's answer. Nothing is guessed: commit times follow from
// `now`, and the number of commits is what the server did.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/runtime.h"
#include "services/ledger/store/store.h"
#include "tests/simulation/faulty_wire.h"
#include "tests/simulation/kept_book.h"
#include "tests/simulation/reference_ledger.h"
#include "tests/simulation/workload.h"

namespace florin::simulation {

// What the steps came across.
struct Coverage {
  // How often each kind of command had each outcome: the reason of a refusal, or nothing.
  std::map<std::pair<std::string, std::optional<Reason>>, std::int64_t> outcomes;
  std::int64_t recommitted = 0;  // Batches that were committed more than once.
  std::int64_t unavailable = 0;  // Answers of kUnavailable.
};

// Where to run. `before_step` may arm `wire`; both may be absent. Not owned.
struct Stage {
  async::Runtime& runtime;
  ledger::Store& store;
  std::string book;
  std::function<KeptBook()> read;
  FaultyWire* wire = nullptr;
  std::function<void(std::size_t step)> before_step = {};
  bool trace = false;  // Prints each step and its outcomes.
};

struct Failure {
  std::size_t step;  // steps.size(): when the whole book was compared.
  std::string what;
};

// Makes the book, runs `steps`, compares every answer and at last all that is kept. Nothing if
// there is no difference. Adds to `coverage`.
std::optional<Failure> Run(const Stage& stage, const std::vector<Step>& steps, Coverage& coverage);

// A short part of `steps` for which `fails` still holds: tries without each step and each command,
// once, from the end.
std::vector<Step> Shrink(std::vector<Step> steps,
                         const std::function<bool(const std::vector<Step>&)>& fails);

// The steps with their numbers.
std::string Describe(const std::vector<Step>& steps);

}  // namespace florin::simulation
