// The simulation's values as text, for traces that people read. Ids are their first eight
// hexadecimal digits, times are in microseconds since the start of all workloads.
//
// Pure; no errors.
#pragma once

#include <string>

#include "tests/simulation/reference_ledger.h"
#include "tests/simulation/workload.h"

namespace florin::simulation {

std::string Describe(const Uuid& id);
std::string Describe(absl::Time time);
std::string Describe(const ledger::Command& command);
std::string Describe(const ledger::Outcome& outcome);
std::string Describe(const ledger::Counters& counters);
std::string Describe(const ledger::Account& account);
std::string Describe(const ledger::Entry& entry);
std::string Describe(const ledger::Hold& hold);
std::string Describe(const Step& step);  // A line for each command, with its number.

}  // namespace florin::simulation
