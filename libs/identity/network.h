// Blocks of IP addresses, and whether an address is in one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::identity {

// A CIDR block of IPv4 (RFC 4632) or IPv6 (RFC 4291 section 2.3). Value type.
class Network {
 public:
  // `203.0.113.0/24`, `2001:db8::/32`. Strict: a decimal prefix length without sign or leading
  // zero, no bit set beyond it (who writes 10.1.2.3/8 meant something else), no zone, no blank, and
  // no IPv4-mapped IPv6 (::ffff:0:0/96): write it as IPv4. Error: kInvalidNetwork. Pure.
  static absl::StatusOr<Network> Parse(std::string_view text);

  // Whether the address, as text, is in the block. An IPv4-mapped IPv6 address counts as the IPv4
  // address that it is. False for text that is no address. Pure.
  bool Contains(std::string_view address) const;

  // As Parse reads it, in the shortest form of RFC 5952.
  std::string ToString() const;

  friend bool operator==(const Network&, const Network&) = default;

 private:
  bool is_v4_ = true;
  int length_ = 0;                         // Of the prefix, in bits.
  std::array<std::uint8_t, 16> octets_{};  // IPv4 has the first four.
};

// Whether a key with these allowed networks is accepted from `address`: there are none, or one has
// it. A network that cannot be read has nothing in it. Pure.
bool IsAllowedFrom(const std::vector<std::string>& networks, std::string_view address);

}  // namespace florin::identity
