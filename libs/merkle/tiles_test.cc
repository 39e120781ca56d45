#include "libs/merkle/tiles.h"

#include <map>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "libs/merkle/test_tree.h"
#include "libs/status/matchers.h"

namespace florin::merkle {
namespace {

using test::Leaves;
using test::NaiveConsistencyPath;
using test::NaiveInclusionPath;
using test::NaiveRoot;
using ::testing::HasSubstr;

// A store in memory: complete tiles as the builder gave them, and its partial ones. Fails the test
// that reads a tile twice for one proof, or asks for what the store cannot have.
class MemoryStore : public TileReader {
 public:
  void Append(const Digest& leaf_hash) {
    for (Tile& tile : builder_.Append(leaf_hash)) {
      EXPECT_EQ(tile.hashes.size(), std::size_t{kTileWidth});
      EXPECT_EQ(tile.root, NaiveRoot(tile.hashes, 0, kTileWidth));
      const std::pair id(tile.level, tile.index);
      EXPECT_TRUE(tiles_.emplace(id, std::move(tile)).second) << "tiles are immutable";
    }
  }

  absl::StatusOr<std::vector<Digest>> Hashes(int level, std::uint64_t index, int width) override {
    EXPECT_TRUE(read_.emplace(level, index).second)
        << "tile " << index << " of level " << level << " was read before";
    const auto tile = tiles_.find({level, index});
    const std::vector<Digest> hashes =
        tile != tiles_.end() ? tile->second.hashes : builder_.Partial().at(level);
    EXPECT_GE(width, 1);
    EXPECT_LE(static_cast<std::size_t>(width), hashes.size());
    return std::vector<Digest>(hashes.begin(), hashes.begin() + width);
  }

  // A reader for one proof.
  MemoryStore& Fresh() {
    read_.clear();
    return *this;
  }

  const std::map<std::pair<int, std::uint64_t>, Tile>& tiles() const { return tiles_; }
  std::size_t reads() const { return read_.size(); }
  TileBuilder& builder() { return builder_; }

 private:
  TileBuilder builder_;
  std::map<std::pair<int, std::uint64_t>, Tile> tiles_;
  std::set<std::pair<int, std::uint64_t>> read_;
};

class BrokenReader : public TileReader {
 public:
  explicit BrokenReader(absl::StatusOr<std::vector<Digest>> answer) : answer_(std::move(answer)) {}
  absl::StatusOr<std::vector<Digest>> Hashes(int, std::uint64_t, int) override { return answer_; }

 private:
  absl::StatusOr<std::vector<Digest>> answer_;
};

// Sizes of which every proof is made: the small ones and those around multiples of 256. Of the
// others every 149th, beginning elsewhere in each.
bool IsSampled(std::uint64_t size) {
  return size <= 40 || size == 256 || size == 257 || size == 512 || size == 600;
}

class TilesTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSize = 600;

  TilesTest() : leaves_(Leaves(kSize)) {
    for (const Digest& leaf : leaves_) store_.Append(leaf);
    Frontier frontier;
    roots_.push_back(frontier.Root());
    for (const Digest& leaf : leaves_) {
      frontier.Append(leaf);
      roots_.push_back(frontier.Root());
    }
  }

  std::vector<Digest> leaves_;
  std::vector<Digest> roots_;  // By size
  MemoryStore store_;          // Holds all 600 leaves, also when an older size is asked about.
};

TEST_F(TilesTest, KnowTheRootOfEverySizeThatTheTreeHad) {
  for (std::uint64_t size = 0; size <= kSize; ++size) {
    EXPECT_EQ(RootAt(size, store_.Fresh()).value(), roots_[size]) << size;
  }
  EXPECT_EQ(RootAt(0, store_.Fresh()).value(), EmptyRoot());
  EXPECT_EQ(store_.reads(), 0u);
}

TEST_F(TilesTest, ProveEveryLeafOfEverySize) {
  for (std::uint64_t size = 1; size <= kSize; ++size) {
    const std::uint64_t step = IsSampled(size) ? 1 : 149;
    for (std::uint64_t index = size % step; index < size; index += step) {
      const auto path = InclusionPath(index, size, store_.Fresh());
      ASSERT_THAT(path, IsOk());
      ASSERT_TRUE(VerifyInclusion(leaves_[index], index, size, *path, roots_[size]))
          << index << " of " << size;
      ASSERT_LE(store_.reads(), 4u);
    }
  }
}

TEST_F(TilesTest, ProveEverySizeOfEveryLaterOne) {
  for (std::uint64_t second = 1; second <= kSize; ++second) {
    const std::uint64_t step = IsSampled(second) ? 1 : 149;
    for (std::uint64_t first = second % step; first <= second; first += step) {
      const auto path = ConsistencyPath(first, second, store_.Fresh());
      ASSERT_THAT(path, IsOk());
      ASSERT_TRUE(VerifyConsistency(first, roots_[first], second, roots_[second], *path))
          << first << " of " << second;
      ASSERT_LE(store_.reads(), 4u);
    }
  }
}

TEST_F(TilesTest, GiveTheVeryPathsOfTheRfc) {
  for (const std::uint64_t size : {1, 2, 3, 7, 40, 255, 256, 257, 400, 511, 512, 513, 600}) {
    for (std::uint64_t index = 0; index < size; index += 1 + size / 9) {
      EXPECT_EQ(InclusionPath(index, size, store_.Fresh()).value(),
                NaiveInclusionPath(leaves_, index, size));
      EXPECT_EQ(ConsistencyPath(index + 1, size, store_.Fresh()).value(),
                NaiveConsistencyPath(leaves_, index + 1, size));
    }
  }
}

TEST_F(TilesTest, RefuseWhatTheTreeHasNot) {
  EXPECT_THAT(InclusionPath(5, 5, store_.Fresh()), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(InclusionPath(5, 5, store_.Fresh()), StatusHasParam("index"));
  EXPECT_THAT(InclusionPath(5, 5, store_.Fresh()).status().ToString(),
              HasSubstr("a tree of 5 leaves has no leaf 5"));
  EXPECT_THAT(InclusionPath(0, 0, store_.Fresh()), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(ConsistencyPath(6, 5, store_.Fresh()), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(ConsistencyPath(6, 5, store_.Fresh()), StatusHasParam("first"));
  EXPECT_EQ(store_.reads(), 0u);
  EXPECT_TRUE(ConsistencyPath(0, 5, store_.Fresh()).value().empty());
}

TEST_F(TilesTest, PassOnWhatTheReaderSays) {
  BrokenReader absent(Error(Reason::kUnavailable, "no database"));
  EXPECT_THAT(RootAt(5, absent), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(InclusionPath(0, 5, absent), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(ConsistencyPath(3, 5, absent), StatusHasReason(Reason::kUnavailable));
  BrokenReader too_few(Leaves(4));
  EXPECT_THAT(RootAt(5, too_few), StatusHasReason(Reason::kInternal));
  BrokenReader too_many(Leaves(6));
  EXPECT_THAT(RootAt(5, too_many), StatusHasReason(Reason::kInternal));
}

TEST_F(TilesTest, BuilderRestoredAtAnySizeGoesOnAsIfNothingHadHappened) {
  TileBuilder through;
  TileBuilder restored;
  for (std::uint64_t size = 1; size <= kSize; ++size) {
    const std::vector<Tile> completed = through.Append(leaves_[size - 1]);
    ASSERT_EQ(restored.Append(leaves_[size - 1]), completed) << size;
    ASSERT_EQ(completed.size(), size % kTileWidth == 0 ? 1u : 0u);
    ASSERT_EQ(restored.Root(), roots_[size]) << size;
    ASSERT_EQ(restored.Partial(), through.Partial()) << size;
    ASSERT_EQ(restored.size(), size);
    restored = TileBuilder::Restore(size, restored.Partial()).value();
  }
  EXPECT_EQ(TileBuilder().Root(), EmptyRoot());
  EXPECT_THAT(TileBuilder::Restore(0, {}), IsOk());
}

TEST_F(TilesTest, BuilderRefusesHashesThatDoNotFitTheSize) {
  const auto restore = [](std::uint64_t size, std::vector<std::vector<Digest>> partial) {
    return TileBuilder::Restore(size, partial);
  };
  EXPECT_THAT(restore(257, {Leaves(1), Leaves(1)}), IsOk());
  EXPECT_THAT(restore(256, {{}, Leaves(1)}), IsOk());
  EXPECT_THAT(restore(257, {Leaves(1)}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(restore(257, {Leaves(1), Leaves(1), {}}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(restore(257, {Leaves(1), Leaves(2)}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(restore(257, {Leaves(2), Leaves(1)}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(restore(255, {Leaves(254)}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(restore(1, {}), StatusHasParam("partial"));
}

// 65,536 leaves complete a tile of level 1, which makes level 2.
TEST(LargeTree, CrossesIntoTheThirdLevel) {
  constexpr std::uint64_t kLeaves = 65'536 + 700;
  const std::vector<Digest> leaves = Leaves(kLeaves);
  const std::set<std::uint64_t> sizes = {1,      256,    65'279, 65'280, 65'535,
                                         65'536, 65'537, 65'793, 66'000, kLeaves};
  MemoryStore store;
  Frontier frontier;
  std::map<std::uint64_t, Digest> roots;
  for (const Digest& leaf : leaves) {
    store.Append(leaf);
    frontier.Append(leaf);
    if (!sizes.contains(frontier.size())) continue;
    roots[frontier.size()] = frontier.Root();
    ASSERT_EQ(store.builder().Root(), frontier.Root()) << frontier.size();
    const auto restored = TileBuilder::Restore(frontier.size(), store.builder().Partial());
    ASSERT_THAT(restored, IsOk());
    EXPECT_EQ(restored->Root(), frontier.Root()) << frontier.size();
  }
  EXPECT_EQ(store.tiles().size(), 258u + 1u);
  EXPECT_TRUE(store.tiles().contains({1, 0}));
  const std::vector<std::vector<Digest>> partial = store.builder().Partial();
  ASSERT_EQ(partial.size(), 3u);
  EXPECT_EQ(partial[0].size(), 700u - 512u);
  EXPECT_EQ(partial[1].size(), 2u);
  EXPECT_EQ(partial[2], std::vector<Digest>{NaiveRoot(leaves, 0, 65'536)});
  for (const auto& [size, root] : roots) {
    EXPECT_EQ(RootAt(size, store.Fresh()).value(), root) << size;
    for (const std::uint64_t index : {0ul, 255ul, 256ul, 40'000ul, 65'535ul, 65'536ul, size - 1}) {
      if (index >= size) continue;
      const auto path = InclusionPath(index, size, store.Fresh());
      ASSERT_THAT(path, IsOk());
      EXPECT_TRUE(VerifyInclusion(leaves[index], index, size, *path, root)) << index << " " << size;
      EXPECT_LE(store.reads(), 6u) << "two tiles of each level";
    }
    for (const auto& [first, first_root] : roots) {
      if (first > size) continue;
      const auto path = ConsistencyPath(first, size, store.Fresh());
      ASSERT_THAT(path, IsOk());
      EXPECT_TRUE(VerifyConsistency(first, first_root, size, root, *path)) << first << " " << size;
      EXPECT_LE(store.reads(), 6u) << "two tiles of each level";
    }
  }
}

}  // namespace
}  // namespace florin::merkle
