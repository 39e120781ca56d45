// What must hold of a world: some of it always, the rest once nothing is under way. Tables, so that
// what new payments, workers and rails promise joins by rows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/saga/view.h"
#include "tests/saga/world.h"

namespace florin::saga {

// Which it is, and what it came to.
std::string Text(const payments::Payment& payment);
std::string Text(const payments::Step& step);

// Clocks go back by less, all together.
inline constexpr absl::Duration kBack = absl::Minutes(1);

// Tells of everything that is wrong.
using Complain = std::function<void(std::string)>;

struct Invariant {
  std::string_view name;
  void (*check)(World& world, const View& view, const Complain& complain);
};

std::span<const Invariant> Invariants();
std::span<const Invariant> AlwaysInvariants();

std::vector<std::string> CheckInvariants(World& world);
// Tells the world.
void CheckAlways(World& world);

}  // namespace florin::saga
