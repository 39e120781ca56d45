#include "libs/identity/network.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::identity {
namespace {

TEST(Network, ContainsWhatSharesItsPrefix) {
  const struct {
    const char* network;
    const char* address;
    bool in;
  } cases[] = {
      {"203.0.113.0/24", "203.0.113.0", true},
      {"203.0.113.0/24", "203.0.113.255", true},
      {"203.0.113.0/24", "203.0.114.0", false},
      {"203.0.113.0/24", "203.0.112.255", false},
      {"198.51.100.7/32", "198.51.100.7", true},
      {"198.51.100.7/32", "198.51.100.6", false},
      {"198.51.100.128/25", "198.51.100.127", false},
      {"198.51.100.128/25", "198.51.100.128", true},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "127.0.0.1", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:DB8:0:0::1", true},
      {"2001:db8::/32", "2001:db9::1", false},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"2001:db8::1/128", "2001:db8::1", true},
      {"2001:db8::1/128", "2001:db8::2", false},
      // The same host, as a socket of both families names it.
      {"203.0.113.0/24", "::ffff:203.0.113.9", true},
      {"203.0.113.0/24", "::ffff:203.0.114.9", false},
      {"::/0", "::ffff:203.0.113.9", false},
      // No addresses.
      {"0.0.0.0/0", "", false},
      {"0.0.0.0/0", "localhost", false},
      {"0.0.0.0/0", "1.2.3", false},
      {"0.0.0.0/0", "1.2.3.4 ", false},
      {"0.0.0.0/0", "1.2.3.4:80", false},
      {"0.0.0.0/0", "0x7f.0.0.1", false},
      {"::/0", "fe80::1%eth0", false},
      {"::/0", "[::1]", false},
  };
  for (const auto& [text, address, in] : cases) {
    const auto network = Network::Parse(text);
    ASSERT_THAT(network, IsOk()) << text;
    EXPECT_EQ(network->Contains(address), in) << text << " " << address;
  }
  EXPECT_FALSE(Network::Parse("0.0.0.0/0")->Contains(std::string_view("1.2.3.4\0", 8)));
}

TEST(Network, IsReadStrictly) {
  for (const char* text : {"",
                           "/",
                           "203.0.113.0",
                           "203.0.113.0/",
                           "203.0.113.0/33",
                           "203.0.113.0/-1",
                           "203.0.113.0/+8",
                           "203.0.113.0/024",
                           "203.0.113.0/24 ",
                           " 203.0.113.0/24",
                           "203.0.113.0/24/24",
                           "203.0.113.1/24",
                           "10.0.0.0/0",
                           "203.0.113/24",
                           "2001:db8::/129",
                           "2001:db8::1/32",
                           "2001:db8::/4294967328",
                           "::ffff:203.0.113.0/120",
                           "fe80::%eth0/64",
                           "localhost/32",
                           "01.2.3.4/32"}) {
    EXPECT_THAT(Network::Parse(text), StatusHasReason(Reason::kInvalidNetwork)) << text;
  }
}

TEST(Network, IsWrittenInOneForm) {
  EXPECT_EQ(Network::Parse("2001:DB8:0:0::/32")->ToString(), "2001:db8::/32");
  EXPECT_EQ(Network::Parse("10.0.0.0/8")->ToString(), "10.0.0.0/8");
}

TEST(IsAllowedFrom, NoListMeansEverywhere) {
  EXPECT_TRUE(IsAllowedFrom({}, "203.0.113.9"));
  EXPECT_TRUE(IsAllowedFrom({}, ""));
  EXPECT_TRUE(IsAllowedFrom({"10.0.0.0/8", "203.0.113.0/24"}, "203.0.113.9"));
  EXPECT_FALSE(IsAllowedFrom({"10.0.0.0/8"}, "203.0.113.9"));
  EXPECT_FALSE(IsAllowedFrom({"10.0.0.0/8"}, ""));
  EXPECT_FALSE(IsAllowedFrom({"nonsense"}, "203.0.113.9"));
}

}  // namespace
}  // namespace florin::identity
