#include "services/gateway/limits/network.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "absl/strings/str_cat.h"

namespace florin::gateway {

namespace ip = boost::asio::ip;

std::string NetworkOf(std::string_view address) {
  boost::system::error_code error;
  const ip::address parsed = ip::make_address(std::string(address), error);
  if (error) return "unknown";
  if (parsed.is_v4() || parsed.to_v6().is_v4_mapped()) {
    const ip::address_v4 v4 =
        parsed.is_v4() ? parsed.to_v4() : ip::make_address_v4(ip::v4_mapped, parsed.to_v6());
    return absl::StrCat(ip::network_v4(v4, 24).network().to_string(), "/24");
  }
  ip::address_v6::bytes_type bytes = parsed.to_v6().to_bytes();
  for (std::size_t i = 7; i < bytes.size(); ++i) bytes[i] = 0;
  return absl::StrCat(ip::address_v6(bytes).to_string(), "/56");
}

}  // namespace florin::gateway
