// What the databases of the shared stack have, for checks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace florin::e2e {

// A query's rows and columns; a failed one fails the test.
std::vector<std::vector<std::string>> Rows(const std::string& sql);

// Zero, and a failed test, where it is none.
std::int64_t NumberOf(const std::string& text);

}  // namespace florin::e2e
