#include "libs/money/decimal_text.h"

namespace florin {

std::string DecimalText(std::int64_t minor_units, const Currency& currency) {
  const auto decimals = static_cast<std::size_t>(currency.exponent());
  std::string text = std::to_string(minor_units);
  const std::size_t sign = minor_units < 0 ? 1 : 0;
  if (text.size() - sign <= decimals) text.insert(sign, decimals + 1 - (text.size() - sign), '0');
  if (decimals > 0) text.insert(text.size() - decimals, 1, '.');
  return text;
}

}  // namespace florin
