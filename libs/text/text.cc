#include "libs/text/text.h"

#include <uninorm.h>
#include <unistr.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace florin {
namespace {

struct Lead {
  int length;              // Octets of the sequence; 0 for an octet that starts none.
  std::uint32_t bits;      // The code point's bits in the first octet.
  std::uint32_t smallest;  // Anything less is an overlong form.
};

Lead LeadOf(std::uint8_t octet) {
  if (octet < 0x80) return {1, octet, 0};
  if ((octet & 0xe0) == 0xc0) return {2, octet & 0x1fu, 0x80};
  if ((octet & 0xf0) == 0xe0) return {3, octet & 0x0fu, 0x800};
  if ((octet & 0xf8) == 0xf0) return {4, octet & 0x07u, 0x10000};
  return {0, 0, 0};
}

bool IsSurrogate(std::uint32_t code) { return code >= 0xd800 && code <= 0xdfff; }
bool IsControl(std::uint32_t code) { return code < 0x20 || (code >= 0x7f && code <= 0x9f); }

}  // namespace

std::optional<std::size_t> CountPlainCharacters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const Lead lead = LeadOf(static_cast<std::uint8_t>(text[at]));
    if (lead.length == 0 || at + lead.length > text.size()) return std::nullopt;
    std::uint32_t code = lead.bits;
    for (int i = 1; i < lead.length; ++i) {
      const auto octet = static_cast<std::uint8_t>(text[at + i]);
      if ((octet & 0xc0) != 0x80) return std::nullopt;
      code = code << 6 | (octet & 0x3fu);
    }
    if (code < lead.smallest || code > 0x10ffff || IsSurrogate(code) || IsControl(code)) {
      return std::nullopt;
    }
    at += lead.length;
  }
  return count;
}

std::optional<std::string> NormalizeNfc(std::string_view text) {
  if (text.empty()) return std::string();
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
  if (u8_check(octets, text.size()) != nullptr) return std::nullopt;
  std::size_t size = 0;
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> normal(
      u8_normalize(UNINORM_NFC, octets, text.size(), nullptr, &size), &std::free);
  if (normal == nullptr) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(normal.get()), size);
}

}  // namespace florin
