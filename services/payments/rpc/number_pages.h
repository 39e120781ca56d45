// Pages of lists that are ordered by a number from 1: libs/paging's tokens stand for ids, so the
// number travels as one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libs/ids/ids.h"

namespace florin::payments {

inline Uuid PagedBy(int number) {
  std::array<std::uint8_t, 16> bytes = {};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[15 - i] = static_cast<std::uint8_t>(static_cast<unsigned>(number) >> (8 * i));
  }
  return Uuid(bytes);
}

// The number that a page goes on from, if any. Error: kInvalidPageToken for a token of another
// list.
inline absl::StatusOr<std::optional<int>> NumberOf(const std::optional<Uuid>& after) {
  if (!after) return std::optional<int>();
  std::uint32_t number = 0;
  for (std::size_t i = 12; i < 16; ++i) number = number << 8 | after->bytes()[i];
  if (number > 1'000'000'000U || PagedBy(static_cast<int>(number)) != *after) {
    return Error(Reason::kInvalidPageToken, "not of this list", {.param = "page_token"});
  }
  return std::optional<int>(static_cast<int>(number));
}

}  // namespace florin::payments
