// Amounts as people and files write them.
#pragma once

#include <cstdint>
#include <string>

#include "libs/money/currency.h"

namespace florin {

// "-1234.50" for -123450 minor units of EUR, "1234" for JPY: all decimals of the currency, a point,
// no grouping, no sign for zero and more. Exact for every value.
std::string DecimalText(std::int64_t minor_units, const Currency& currency);

}  // namespace florin
