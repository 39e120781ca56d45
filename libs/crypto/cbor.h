// Just enough CBOR (RFC 8949) to split what an authenticator sent, before a library that allocates
// what a length says sees it. Only for sources of libs/crypto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace florin::crypto::cbor {

enum class Major { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

// The beginning of an item: what it is, its argument, and how many octets say so.
struct Head {
  Major major;
  std::uint64_t argument;
  std::size_t size;
};
// Nothing for indefinite lengths, reserved values and octets that end too early.
std::optional<Head> ReadHead(std::string_view octets);

// How many octets the first item of `octets` takes, with all that is in it. Nothing unless it is
// complete, without indefinite lengths, tags and floats, and nested at most `depth` deep: what
// CTAP2's canonical form has (FIDO CTAP 2.1 section 8). Never reads or allocates more than there
// is.
std::optional<std::size_t> ItemSize(std::string_view octets, int depth = 4);

// Takes a string of that kind (kBytes or kText) off the front of `octets`. Nothing if there is
// none.
std::optional<std::string_view> TakeString(std::string_view& octets, Major kind);

}  // namespace florin::crypto::cbor
