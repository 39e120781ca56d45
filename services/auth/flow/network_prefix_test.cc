#include "services/auth/flow/network_prefix.h"

#include <utility>

#include "gtest/gtest.h"

namespace florin::auth {
namespace {

TEST(NetworkPrefix, IsWhatOneCustomerHas) {
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.77", "192.0.2.0/24"},
      {"::ffff:192.0.2.77", "192.0.2.0/24"},
      {"2001:db8:0:12ff:1::2", "2001:db8:0:1200::/56"},
      {"2001:DB8::1", "2001:db8::/56"},
      {"::1", "::/56"},
      {"", ""},
      {"192.0.2", ""},
      {"192.0.2.1:80", ""},
      {"gateway", ""},
  };
  for (const auto& [address, prefix] : rows) EXPECT_EQ(NetworkPrefix(address), prefix) << address;
}

}  // namespace
}  // namespace florin::auth
