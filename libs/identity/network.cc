#include "libs/identity/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"

namespace florin::identity {
namespace {

struct Address {
  bool is_v4 = true;
  std::array<std::uint8_t, 16> octets{};
};

// Strict: inet_pton takes dotted decimals of exactly four parts, and RFC 4291 section 2.2.
std::optional<Address> ParseAddress(std::string_view text) {
  const std::string zero_ended(text);
  if (zero_ended.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  if (inet_pton(AF_INET, zero_ended.c_str(), address.octets.data()) == 1) return address;
  address.is_v4 = false;
  if (inet_pton(AF_INET6, zero_ended.c_str(), address.octets.data()) == 1) return address;
  return std::nullopt;
}

bool IsMapped(const Address& address) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return !address.is_v4 && std::equal(kMapped.begin(), kMapped.end(), address.octets.begin());
}

bool SamePrefix(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b,
                int bits) {
  const int whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

}  // namespace

absl::StatusOr<Network> Network::Parse(std::string_view text) {
  const absl::Status invalid = Error(Reason::kInvalidNetwork, "not a CIDR block");
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return invalid;
  const std::optional<Address> address = ParseAddress(text.substr(0, slash));
  const std::string digits(text.substr(slash + 1));
  if (!address || IsMapped(*address)) return invalid;
  int length = 0;
  if (digits.empty() || digits.size() > 3 || (digits[0] == '0' && digits.size() > 1) ||
      digits.find_first_not_of("0123456789") != digits.npos || !absl::SimpleAtoi(digits, &length) ||
      length > (address->is_v4 ? 32 : 128)) {
    return invalid;
  }
  Network network;
  network.is_v4_ = address->is_v4;
  network.length_ = length;
  for (int bit = 0; bit < length; ++bit) {
    network.octets_[bit / 8] |= address->octets[bit / 8] & (0x80 >> (bit % 8));
  }
  if (network.octets_ != address->octets) return invalid;
  return network;
}

bool Network::Contains(std::string_view text) const {
  std::optional<Address> address = ParseAddress(text);
  if (!address) return false;
  if (IsMapped(*address)) {
    address->is_v4 = true;
    std::copy(address->octets.begin() + 12, address->octets.end(), address->octets.begin());
  }
  return address->is_v4 == is_v4_ && SamePrefix(octets_, address->octets, length_);
}

std::string Network::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v4_ ? AF_INET : AF_INET6, octets_.data(), text, sizeof text);
  return std::string(text) + "/" + std::to_string(length_);
}

bool IsAllowedFrom(const std::vector<std::string>& networks, std::string_view address) {
  return networks.empty() ||
         std::any_of(networks.begin(), networks.end(), [address](const std::string& text) {
           const absl::StatusOr<Network> network = Network::Parse(text);
           return network.ok() && network->Contains(address);
         });
}

}  // namespace florin::identity
