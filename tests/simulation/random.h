// Random numbers of the simulation: splitmix64 (Steele, Lea, Flood, OOPSLA 2014), so that a seed
// means the same on every machine and library. Two numbers must not be drawn in one expression
// whose operands have no order; braces have one.
//
// Not thread-safe; no errors.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libs/ids/ids.h"

namespace florin::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  // 0 to `count` - 1.
  std::int64_t Below(std::int64_t count) {
    return static_cast<std::int64_t>(Next() % static_cast<std::uint64_t>(count));
  }
  bool OneIn(std::int64_t count) { return Below(count) == 0; }
  bool Percent(std::int64_t share) { return Below(100) < share; }

  // `values` is not empty.
  template <class Value>
  const Value& Pick(const std::vector<Value>& values) {
    return values[static_cast<std::size_t>(Below(static_cast<std::int64_t>(values.size())))];
  }

 private:
  std::uint64_t state_;
};

// The id number `number` of a kind of ids: without order, so that no code can lean on one.
inline Uuid NumberedId(std::uint64_t kind, std::uint64_t number) {
  Random random(kind * 0x100000000 + number);
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.Next());
  return Uuid(bytes);
}

}  // namespace florin::simulation
