// Runs the batches of a workload several at a time, on stores that are processes of their own to
// each other. Whatever order they came to: what is kept must be what the reference ledger decides
// when it gets the same commands one after the other, in the order of the journal, and each answer
// must be what is kept.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "services/ledger/store/store.h"
#include "tests/simulation/kept_book.h"
#include "tests/simulation/workload.h"

namespace florin::simulation {

struct AtOnce {
  async::Runtime& runtime;
  std::vector<ledger::Store*> stores;  // Take turns; one may be named several times.
  std::string book;
  std::function<KeptBook()> read;
  std::size_t together = 4;                // Batches that are started at once.
  std::function<void()> before_each = {};  // Before each such set; may arm a wire.
};

// Makes the book and runs the commits and openings of `steps`. What is wrong at the end; nothing if
// all is well.
std::optional<std::string> RunAtOnce(const AtOnce& stage, const std::vector<Step>& steps);

}  // namespace florin::simulation
