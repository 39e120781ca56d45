// The network that a client's address belongs to: what limits and logs know a client by. Pure.
#pragma once

#include <string>
#include <string_view>

namespace florin::gateway {

// "192.0.2.0/24" of 192.0.2.17, "2001:db8:0:100::/56" of 2001:db8:0:1ff::1: about what one
// subscriber or one small organisation has (RIPE-690 recommends a /56 for a home). An IPv4 address
// mapped into IPv6 (::ffff:192.0.2.17, RFC 4291 section 2.5.5.2) is the IPv4 address. "unknown" of
// what is no address.
std::string NetworkOf(std::string_view address);

}  // namespace florin::gateway
