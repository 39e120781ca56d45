#include "libs/rpc/rendezvous.h"

#include <algorithm>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::rpc {
namespace {

using ::testing::ElementsAre;

constexpr int kKeys = 10'000;

std::vector<std::string> Nodes(int count) {
  std::vector<std::string> nodes;
  for (int i = 0; i < count; ++i) nodes.push_back("10.0.0." + std::to_string(i) + ":7004");
  return nodes;
}

std::string Key(int i) { return "book-" + std::to_string(i); }

TEST(RendezvousTest, WeightsNeverChange) {
  EXPECT_EQ(RendezvousWeight("", ""), 0xb9034ad37056f5fbu);
  EXPECT_EQ(RendezvousWeight("main", "127.0.0.1:7004"), 0xa25165cccf8fb0f0u);
  EXPECT_EQ(RendezvousWeight("b", "a"), 0xab78f5eca36d0e2bu);
}

TEST(RendezvousTest, RanksEveryNodeOnceWhateverTheirOrder) {
  EXPECT_THAT(RankByRendezvous("k", {}), ElementsAre());
  std::vector<std::string> nodes = Nodes(5);
  const std::vector<std::size_t> ranks = RankByRendezvous("main", nodes);
  std::vector<std::string> names;
  for (const std::size_t i : ranks) names.push_back(nodes[i]);
  std::reverse(nodes.begin(), nodes.end());
  std::vector<std::string> again;
  for (const std::size_t i : RankByRendezvous("main", nodes)) again.push_back(nodes[i]);
  EXPECT_EQ(again, names);
  EXPECT_THAT(names, ::testing::UnorderedElementsAreArray(nodes));
}

// Every node has a fifth of the keys, within five standard deviations (of a binomial: 40).
TEST(RendezvousTest, SpreadsKeysEvenly) {
  const std::vector<std::string> nodes = Nodes(5);
  std::map<std::size_t, int> first;
  std::map<std::size_t, int> second;
  for (int i = 0; i < kKeys; ++i) {
    const auto ranks = RankByRendezvous(Key(i), nodes);
    ++first[ranks[0]];
    ++second[ranks[1]];
  }
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    EXPECT_NEAR(first[node], kKeys / 5, 200);
    EXPECT_NEAR(second[node], kKeys / 5, 200);
  }
}

TEST(RendezvousTest, ANodeThatLeavesMovesItsOwnKeysOnly) {
  const std::vector<std::string> before = Nodes(5);
  const std::vector<std::string> after = Nodes(4);  // The last has left.
  std::map<std::size_t, int> heirs;
  for (int i = 0; i < kKeys; ++i) {
    const auto ranks = RankByRendezvous(Key(i), before);
    const std::size_t owner = RankByRendezvous(Key(i), after)[0];
    if (ranks[0] != 4) {
      EXPECT_EQ(owner, ranks[0]);
      continue;
    }
    EXPECT_EQ(owner, ranks[1]) << "the next in rank takes over";
    ++heirs[owner];
  }
  for (std::size_t node = 0; node < 4; ++node) EXPECT_NEAR(heirs[node], kKeys / 5 / 4, 110);
}

}  // namespace
}  // namespace florin::rpc
