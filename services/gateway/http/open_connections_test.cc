#include "services/gateway/http/open_connections.h"

#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

TEST(OpenConnectionsTest, BoundsAllAndEachNetwork) {
  OpenConnections room;
  auto a1 = room.Enter("a", 3, 2);
  auto a2 = room.Enter("a", 3, 2);
  EXPECT_TRUE(a1 && a2);
  EXPECT_FALSE(room.Enter("a", 3, 2)) << "two of this network";
  auto b1 = room.Enter("b", 3, 2);
  EXPECT_TRUE(b1);
  EXPECT_FALSE(room.Enter("c", 3, 2)) << "three in all";
  a1.reset();
  EXPECT_TRUE(room.Enter("c", 3, 2));
  EXPECT_TRUE(room.Enter("a", 3, 2));
}

TEST(OpenConnectionsTest, ForgetsNetworksThatHaveLeft) {
  OpenConnections room;
  for (const char* network : {"a", "b", "c"}) {
    const auto seat = room.Enter(network, 10, 10);
    EXPECT_EQ(room.networks(), 1u);
    EXPECT_FALSE(room.Enter(network, 10, 1));
  }
  EXPECT_FALSE(room.Enter("d", 10, 0));
  EXPECT_EQ(room.networks(), 0u);
  EXPECT_TRUE(room.WaitUntilNone(absl::ZeroDuration()));
  const auto seat = room.Enter("a", 10, 10);
  EXPECT_FALSE(room.WaitUntilNone(absl::ZeroDuration()));
}

}  // namespace
}  // namespace florin::gateway
