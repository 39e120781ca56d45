// ISO 4217 currencies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin {

// A currency of ISO 4217 that amounts can be held in. A small value type; only Parse makes one, so
// each is valid. Thread-safe (immutable).
class Currency {
 public:
  // From an alphabetic code such as "EUR": exactly three capital letters of the current list.
  // Funds codes, precious metals and test codes (XAU, XTS, XXX, …) are not in it. Error:
  // kUnknownCurrency.
  static absl::StatusOr<Currency> Parse(std::string_view code);

  std::string_view code() const { return {code_, 3}; }
  // Number of decimals of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD, 4 for CLF.
  int exponent() const { return exponent_; }

  friend bool operator==(const Currency& a, const Currency& b) { return a.code() == b.code(); }
  friend auto operator<=>(const Currency& a, const Currency& b) { return a.code() <=> b.code(); }

 private:
  Currency(std::string_view code, int exponent);
  char code_[3];
  std::int8_t exponent_;
};

}  // namespace florin
