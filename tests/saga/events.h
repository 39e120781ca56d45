// What can happen in a run, with how often. A new kind of payment, worker or fault is a row here,
// and what must hold of it rows of invariants.h.
#pragma once

#include <span>
#include <string_view>

#include "tests/saga/world.h"

namespace florin::saga {

struct Event {
  std::string_view name;
  int weight;
  bool counts;  // In the coverage.
  // False: it cannot happen now.
  bool (*happen)(World& world);
};

std::span<const Event> Events();
const Event& PickEvent(simulation::Random& random);

}  // namespace florin::saga
