#include "services/auth/flow/network_prefix.h"

#include <boost/asio/ip/address.hpp>

namespace florin::auth {

namespace ip = boost::asio::ip;

std::string NetworkPrefix(const std::string& address) {
  boost::system::error_code error;
  ip::address parsed = ip::make_address(address, error);
  if (error) return "";
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped()) {
    parsed = ip::make_address_v4(ip::v4_mapped, parsed.to_v6());
  }
  if (parsed.is_v4()) {
    auto octets = parsed.to_v4().to_bytes();
    octets[3] = 0;
    return ip::address_v4(octets).to_string() + "/24";
  }
  auto octets = parsed.to_v6().to_bytes();
  for (std::size_t i = 7; i < octets.size(); ++i) octets[i] = 0;
  return ip::address_v6(octets).to_string() + "/56";
}

}  // namespace florin::auth
