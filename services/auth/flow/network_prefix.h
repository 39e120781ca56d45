// Networks, as throttles know them.
#pragma once

#include <string>

namespace florin::auth {

// The /24 of an IPv4 address or the /56 of an IPv6 address (what one customer of a provider has),
// such as `192.0.2.0/24` and `2001:db8:0:1200::/56`; an IPv4 address mapped into IPv6 is one of
// IPv4. Empty for what is no address. Pure.
std::string NetworkPrefix(const std::string& address);

}  // namespace florin::auth
