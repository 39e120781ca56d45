// The stored form of the Merkle tree: immutable tiles of 256 hashes, after the idea of C2SP
// tlog-tiles (its geometry; not its HTTP paths).
//
//   level 0, tile i    the leaf hashes 256·i … 256·i + 255
//   level L, tile i    entry j is the root of the complete tile 256·i + j of level L - 1
//
// A tile is written once, when it is full, and never changes; the right edge of the tree is one
// partial tile of less than 256 hashes on each level. A proof reads at most two tiles of each
// level, so a log of 2^40 leaves is proved from about ten rows.
//
//   const std::vector<merkle::Tile> completed = builder.Append(leaf_hash);   // store these
//   FLORIN_ASSIGN_OR_RETURN(const auto path, merkle::InclusionPath(index, size, reader));
//
// Pure: reading is the reader's. Nothing here is thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "libs/merkle/merkle.h"
#include "libs/status/status.h"

namespace florin::merkle {

inline constexpr int kTileWidth = 256;  // Hashes of a complete tile
inline constexpr int kTileLevels = 8;   // Levels 0…7 hold trees of up to 2^64 leaves

// A complete tile.
struct Tile {
  int level = 0;
  std::uint64_t index = 0;  // From the left, on its level
  Digest root;              // Over `hashes`: an entry of the level above
  std::vector<Digest> hashes;

  friend bool operator==(const Tile&, const Tile&) = default;
};

// How many hashes level `level` of a tree with `size` leaves has: complete tiles and the partial
// one together.
std::uint64_t HashesOnLevel(int level, std::uint64_t size);

// Appends to a tree and cuts it into tiles. Value type.
class TileBuilder {
 public:
  TileBuilder() = default;
  // `partial` as Partial() gave it for `size`. Error: kInvalidField if the number of levels, or of
  // hashes on one, does not fit `size`. That the hashes are the right ones shows only in Root().
  static absl::StatusOr<TileBuilder> Restore(std::uint64_t size,
                                             const std::vector<std::vector<Digest>>& partial);

  // The tiles that this leaf completes, the lowest level first: usually none, one for each 256th
  // leaf, two for each 65,536th, …
  std::vector<Tile> Append(const Digest& leaf_hash);

  std::uint64_t size() const { return size_; }  // Leaves
  Digest Root() const;
  // The hashes of each level's partial tile, level 0 first; a level may have none. As many levels
  // as the tree has (none for no leaves).
  std::vector<std::vector<Digest>> Partial() const;

 private:
  // One level's partial tile, with the frontier over its hashes so that nothing is hashed twice.
  struct Level {
    std::vector<Digest> hashes;
    Frontier frontier;
    void Append(const Digest& hash);
  };

  std::uint64_t size_ = 0;
  std::vector<Level> levels_;
};

// Where proofs find the stored hashes.
class TileReader {
 public:
  virtual ~TileReader() = default;
  // The first `width` (1 to 256) hashes of tile `index` of `level`: exactly that many. `width` is
  // 256, or what the last tile of the level had when the tree had the size that is asked about; it
  // may have grown since.
  virtual absl::StatusOr<std::vector<Digest>> Hashes(int level, std::uint64_t index, int width) = 0;
};

// Each of these reads each tile at most once. Errors: the reader's; kInternal if the reader gives
// another number of hashes than it was asked for.

// The root of the first `size` leaves.
absl::StatusOr<Digest> RootAt(std::uint64_t size, TileReader& reader);

// PATH(index, D[0:size]) of RFC 9162 section 2.1.3.1, the lowest node first. Error: kInvalidField
// for an index that is not below `size`.
absl::StatusOr<std::vector<Digest>> InclusionPath(std::uint64_t index, std::uint64_t size,
                                                  TileReader& reader);

// PROOF(first, D[0:second]) of RFC 9162 section 2.1.4.1; empty for equal sizes and for first = 0.
// Error: kInvalidField if `first` is greater than `second`.
absl::StatusOr<std::vector<Digest>> ConsistencyPath(std::uint64_t first, std::uint64_t second,
                                                    TileReader& reader);

}  // namespace florin::merkle
