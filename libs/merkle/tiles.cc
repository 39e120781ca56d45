#include "libs/merkle/tiles.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::merkle {
namespace {

constexpr int kTileHeight = 8;  // log2(kTileWidth)

std::size_t LevelsOf(std::uint64_t size) {
  return (std::bit_width(size) + kTileHeight - 1) / kTileHeight;
}

// The leaves [begin, end). `begin` is a multiple of the smallest power of two that holds the range,
// as it is for every range that the recursion of the RFC comes to.
struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

// Goes down from `at` until a leaf is reached or `goes_left(range, middle)` gives nothing, and
// notes the siblings that it leaves aside, the lowest last.
template <class GoesLeft>
std::vector<Range> SiblingsOnTheWay(Range& at, const GoesLeft& goes_left) {
  std::vector<Range> siblings;
  while (at.end - at.begin > 1) {
    const std::uint64_t middle = at.begin + LargestPowerOfTwoBelow(at.end - at.begin);
    const std::optional<bool> left = goes_left(at, middle);
    if (!left) break;
    siblings.push_back(*left ? Range{middle, at.end} : Range{at.begin, middle});
    at = *left ? Range{at.begin, middle} : Range{middle, at.end};
  }
  return siblings;
}

// The nodes of the tree with `size` leaves. Remembers the tiles that it read.
class Nodes {
 public:
  Nodes(std::uint64_t size, TileReader& reader) : size_(size), reader_(reader) {}

  absl::StatusOr<Digest> RootOf(const Range& range) {
    std::vector<Digest> subtrees;
    for (std::uint64_t begin = range.begin; begin != range.end;) {
      const int height = std::bit_width(range.end - begin) - 1;
      FLORIN_ASSIGN_OR_RETURN(const Digest root, Subtree(height, begin >> height));
      subtrees.push_back(root);
      begin += std::uint64_t{1} << height;
    }
    return RootOfSubtrees(subtrees);
  }

  // The lowest sibling first, as proofs have them.
  absl::StatusOr<std::vector<Digest>> RootsOf(const std::vector<Range>& siblings) {
    std::vector<Digest> roots;
    for (auto sibling = siblings.rbegin(); sibling != siblings.rend(); ++sibling) {
      FLORIN_ASSIGN_OR_RETURN(const Digest root, RootOf(*sibling));
      roots.push_back(root);
    }
    return roots;
  }

 private:
  using TileId = std::pair<int, std::uint64_t>;  // Level and index

  // The root of the complete subtree over the leaves [place · 2^height, (place + 1) · 2^height).
  absl::StatusOr<Digest> Subtree(int height, std::uint64_t place) {
    const int level = height / kTileHeight;
    const int width = 1 << (height % kTileHeight);  // Hashes of the tile that it covers
    const std::uint64_t first = place * width;      // on `level`
    FLORIN_ASSIGN_OR_RETURN(const std::vector<Digest>* tile, Read(level, first / kTileWidth));
    Frontier frontier;
    for (int i = 0; i < width; ++i) frontier.Append((*tile)[first % kTileWidth + i]);
    return frontier.Root();
  }

  absl::StatusOr<const std::vector<Digest>*> Read(int level, std::uint64_t index) {
    const auto known = tiles_.find({level, index});
    if (known != tiles_.end()) return &known->second;
    // As much as the tree of this size has, so that one reading serves all that may be asked.
    const int width = static_cast<int>(
        std::min<std::uint64_t>(kTileWidth, HashesOnLevel(level, size_) - index * kTileWidth));
    FLORIN_ASSIGN_OR_RETURN(std::vector<Digest> hashes, reader_.Hashes(level, index, width));
    if (hashes.size() != static_cast<std::size_t>(width)) {
      return Error(Reason::kInternal, absl::StrCat("tile ", index, " of level ", level, " has ",
                                                   hashes.size(), " hashes instead of ", width));
    }
    return &tiles_.emplace(TileId(level, index), std::move(hashes)).first->second;
  }

  const std::uint64_t size_;
  TileReader& reader_;
  std::map<TileId, std::vector<Digest>> tiles_;
};

}  // namespace

std::uint64_t HashesOnLevel(int level, std::uint64_t size) {
  FLORIN_CHECK(level >= 0 && level < kTileLevels, "a tree has eight levels of tiles");
  return size >> (level * kTileHeight);
}

void TileBuilder::Level::Append(const Digest& hash) {
  hashes.push_back(hash);
  frontier.Append(hash);
}

absl::StatusOr<TileBuilder> TileBuilder::Restore(std::uint64_t size,
                                                 const std::vector<std::vector<Digest>>& partial) {
  if (partial.size() != LevelsOf(size)) {
    return Error(Reason::kInvalidField,
                 absl::StrCat("a tree of ", size, " leaves has ", LevelsOf(size),
                              " levels of tiles, not ", partial.size()),
                 {.param = "partial"});
  }
  TileBuilder builder;
  builder.size_ = size;
  builder.levels_.resize(partial.size());
  for (std::size_t level = 0; level < partial.size(); ++level) {
    const std::uint64_t expected = HashesOnLevel(static_cast<int>(level), size) % kTileWidth;
    if (partial[level].size() != expected) {
      return Error(Reason::kInvalidField,
                   absl::StrCat("level ", level, " of a tree of ", size, " leaves ends with ",
                                expected, " hashes, not ", partial[level].size()),
                   {.param = "partial"});
    }
    for (const Digest& hash : partial[level]) builder.levels_[level].Append(hash);
  }
  return builder;
}

std::vector<Tile> TileBuilder::Append(const Digest& leaf_hash) {
  std::vector<Tile> completed;
  Digest hash = leaf_hash;
  ++size_;
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level].Append(hash);
    if (levels_[level].hashes.size() < kTileWidth) return completed;
    const Level full = std::exchange(levels_[level], {});
    hash = full.frontier.Root();
    const std::uint64_t index = HashesOnLevel(static_cast<int>(level), size_) / kTileWidth - 1;
    completed.push_back({static_cast<int>(level), index, hash, full.hashes});
  }
}

Digest TileBuilder::Root() const {
  std::vector<Digest> subtrees;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    const std::vector<Digest>& digests = level->frontier.Digests();
    subtrees.insert(subtrees.end(), digests.begin(), digests.end());
  }
  return RootOfSubtrees(subtrees);
}

std::vector<std::vector<Digest>> TileBuilder::Partial() const {
  std::vector<std::vector<Digest>> partial;
  for (const Level& level : levels_) partial.push_back(level.hashes);
  return partial;
}

absl::StatusOr<Digest> RootAt(std::uint64_t size, TileReader& reader) {
  return Nodes(size, reader).RootOf({0, size});
}

absl::StatusOr<std::vector<Digest>> InclusionPath(std::uint64_t index, std::uint64_t size,
                                                  TileReader& reader) {
  if (index >= size) {
    return Error(Reason::kInvalidField,
                 absl::StrCat("a tree of ", size, " leaves has no leaf ", index),
                 {.param = "index"});
  }
  Range at{0, size};
  const auto siblings = SiblingsOnTheWay(
      at, [&](const Range&, std::uint64_t middle) { return std::optional(index < middle); });
  return Nodes(size, reader).RootsOf(siblings);
}

absl::StatusOr<std::vector<Digest>> ConsistencyPath(std::uint64_t first, std::uint64_t second,
                                                    TileReader& reader) {
  if (first > second) {
    return Error(Reason::kInvalidField,
                 absl::StrCat("a tree of ", first, " leaves is no beginning of one of ", second),
                 {.param = "first"});
  }
  if (first == 0) return std::vector<Digest>();
  Range at{0, second};
  std::vector<Range> nodes =
      SiblingsOnTheWay(at, [&](const Range& range, std::uint64_t middle) -> std::optional<bool> {
        if (range.end == first) return std::nullopt;
        return first <= middle;
      });
  // The subtree where the two trees' ways part; not sent where it is the whole first tree.
  if (at.begin != 0) nodes.push_back(at);
  return Nodes(second, reader).RootsOf(nodes);
}

}  // namespace florin::merkle
