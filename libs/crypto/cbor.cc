#include "libs/crypto/cbor.h"

namespace florin::crypto::cbor {
namespace {

constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kNull = 22;

}  // namespace

std::optional<Head> ReadHead(std::string_view octets) {
  if (octets.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(octets[0]);
  Head head{static_cast<Major>(first >> 5), first & 31u, 1};
  if (head.argument < 24) return head;
  if (head.argument > 27) return std::nullopt;  // Reserved or indefinite.
  const std::size_t more = std::size_t{1} << (head.argument - 24);
  if (octets.size() < 1 + more) return std::nullopt;
  head.argument = 0;
  for (std::size_t i = 1; i <= more; ++i) {
    head.argument = head.argument << 8 | static_cast<std::uint8_t>(octets[i]);
  }
  head.size = 1 + more;
  return head;
}

std::optional<std::size_t> ItemSize(std::string_view octets, int depth) {
  const std::optional<Head> head = ReadHead(octets);
  if (!head || depth < 0) return std::nullopt;
  const std::size_t left = octets.size() - head->size;
  std::uint64_t items = 0;
  switch (head->major) {
    case Major::kUnsigned:
    case Major::kNegative:
      return head->size;
    case Major::kBytes:
    case Major::kText:
      if (head->argument > left) return std::nullopt;
      return head->size + static_cast<std::size_t>(head->argument);
    case Major::kArray:
      items = head->argument;
      break;
    case Major::kMap:
      // Each of its items takes an octet at least: so nothing overflows.
      if (head->argument > left) return std::nullopt;
      items = 2 * head->argument;
      break;
    case Major::kTag:
      return std::nullopt;
    case Major::kSimple:
      if (head->size != 1 || head->argument < kFalse || head->argument > kNull) return std::nullopt;
      return head->size;
  }
  if (items > left) return std::nullopt;
  std::size_t size = head->size;
  for (; items > 0; --items) {
    const std::optional<std::size_t> item = ItemSize(octets.substr(size), depth - 1);
    if (!item) return std::nullopt;
    size += *item;
  }
  return size;
}

std::optional<std::string_view> TakeString(std::string_view& octets, Major kind) {
  const std::optional<Head> head = ReadHead(octets);
  if (!head || head->major != kind || head->argument > octets.size() - head->size) {
    return std::nullopt;
  }
  const std::string_view string = octets.substr(head->size, head->argument);
  octets.remove_prefix(head->size + string.size());
  return string;
}

}  // namespace florin::crypto::cbor
