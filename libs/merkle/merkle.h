// The Merkle tree of RFC 9162 section 2.1 over SHA-256: hashes, the frontier that a log appends to,
// and the two checks that a client of the log makes. No I/O; everything is a pure function or a
// value.
//
//   merkle::Frontier frontier;
//   for (const std::string& leaf : leaves) frontier.Append(merkle::LeafHash(leaf));
//   const Digest root = frontier.Root();
//
// Proofs are made from stored tiles: tiles.h. Invariants that the tests number alike:
//
//   1. The prefixes 0x00 and 0x01 keep leaves and nodes apart: no node is ever taken for a leaf.
//   2. A frontier of `size` leaves has one digest for each one-bit of `size`: the roots of the
//      complete subtrees that the tree falls into, the largest (leftmost) first.
//   3. A check accepts a path of exactly the right length and order, and nothing else.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libs/crypto/sha256.h"
#include "libs/status/status.h"

namespace florin::merkle {

using crypto::Digest;

Digest LeafHash(std::string_view leaf);                          // SHA-256(0x00 ‖ leaf)
Digest NodeHash(const Digest& left, const Digest& right);        // SHA-256(0x01 ‖ left ‖ right)
Digest EmptyRoot();                                              // SHA-256 of nothing
std::uint64_t LargestPowerOfTwoBelow(std::uint64_t leaf_count);  // k of the RFC; leaf_count > 1

// A tree of which only the right edge is kept: log2(size) digests, enough to append and to know the
// root. Value type; not thread-safe.
class Frontier {
 public:
  Frontier() = default;
  // What Digests() gave for `size`. Error: kInvalidField if their number does not fit `size`.
  static absl::StatusOr<Frontier> Restore(std::uint64_t size, std::vector<Digest> digests);

  void Append(const Digest& leaf_hash);

  std::uint64_t size() const { return size_; }                     // Leaves
  Digest Root() const;                                             // EmptyRoot() for no leaves
  const std::vector<Digest>& Digests() const { return digests_; }  // Invariant 2

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> digests_;
};

// The root over neighbouring complete subtrees, the largest (leftmost) first: `digests` as of a
// Frontier. EmptyRoot() for none.
Digest RootOfSubtrees(const std::vector<Digest>& digests);

// Whether `path` proves that leaf `index` of the tree with `size` leaves and this `root` hashes to
// `leaf_hash` (RFC 9162 section 2.1.3.2). `root` and `size` must come from one verified tree head:
// a path alone does not bind the size, since trees of several sizes have the same shape around a
// leaf.
bool VerifyInclusion(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
                     const std::vector<Digest>& path, const Digest& root);

// Whether `path` proves that the first `first_size` leaves of the tree with `second_root` are the
// tree with `first_root` (RFC 9162 section 2.1.4.2). Beyond the RFC, which leaves them out: equal
// sizes need equal roots and an empty path; the empty tree, with its own root and an empty path, is
// the beginning of every tree.
bool VerifyConsistency(std::uint64_t first_size, const Digest& first_root,
                       std::uint64_t second_size, const Digest& second_root,
                       const std::vector<Digest>& path);

}  // namespace florin::merkle
