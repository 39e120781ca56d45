// A tiny model of limits, from what the ledger has committed alone: what counts at each moment, and
// what may count.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "tests/saga/view.h"

namespace florin::saga {

// The most that may count when a payment that was asked for at `asked` is committed at `committed`,
// given how late a change is known.
std::int64_t MostAt(const KnownLimit& known, absl::Time asked, absl::Time committed);

// Complains of each payment whose commit has exceeded a limit.
void CheckLimits(const World& world, const std::deque<KnownLimit>& limits, const View& view,
                 const std::function<void(const std::string&)>& complain);

}  // namespace florin::saga
