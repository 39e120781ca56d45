// For tests: the definitions of RFC 9162 section 2.1 as they stand there, slow and plain, to
// compare with.
#pragma once

#include <string>
#include <vector>

#include "libs/merkle/merkle.h"

namespace florin::merkle::test {

// The hashes of `count` different leaves.
inline std::vector<Digest> Leaves(std::uint64_t count) {
  std::vector<Digest> hashes;
  for (std::uint64_t i = 0; i < count; ++i) hashes.push_back(LeafHash("leaf " + std::to_string(i)));
  return hashes;
}

// MTH(D[begin:end]), section 2.1.1.
inline Digest NaiveRoot(const std::vector<Digest>& leaves, std::uint64_t begin, std::uint64_t end) {
  if (begin == end) return EmptyRoot();
  if (end - begin == 1) return leaves[begin];
  const std::uint64_t middle = begin + LargestPowerOfTwoBelow(end - begin);
  return NodeHash(NaiveRoot(leaves, begin, middle), NaiveRoot(leaves, middle, end));
}

// PATH(index, D[begin:end]), section 2.1.3.1; `index` counts from `begin`.
inline std::vector<Digest> NaiveInclusionPath(const std::vector<Digest>& leaves,
                                              std::uint64_t index, std::uint64_t end,
                                              std::uint64_t begin = 0) {
  if (end - begin == 1) return {};
  const std::uint64_t k = LargestPowerOfTwoBelow(end - begin);
  const bool left = index < k;
  std::vector<Digest> path = left ? NaiveInclusionPath(leaves, index, begin + k, begin)
                                  : NaiveInclusionPath(leaves, index - k, end, begin + k);
  path.push_back(left ? NaiveRoot(leaves, begin + k, end) : NaiveRoot(leaves, begin, begin + k));
  return path;
}

// SUBPROOF(m, D[begin:end], whole), section 2.1.4.1; `m` counts from `begin`.
inline std::vector<Digest> NaiveConsistencyPath(const std::vector<Digest>& leaves, std::uint64_t m,
                                                std::uint64_t end, std::uint64_t begin = 0,
                                                bool whole = true) {
  if (m == end - begin) {
    return whole ? std::vector<Digest>() : std::vector<Digest>{NaiveRoot(leaves, begin, end)};
  }
  const std::uint64_t k = LargestPowerOfTwoBelow(end - begin);
  const bool left = m <= k;
  std::vector<Digest> path = left ? NaiveConsistencyPath(leaves, m, begin + k, begin, whole)
                                  : NaiveConsistencyPath(leaves, m - k, end, begin + k, false);
  path.push_back(left ? NaiveRoot(leaves, begin + k, end) : NaiveRoot(leaves, begin, begin + k));
  return path;
}

// From which side each node of the path joins, the lowest first: all that a path says of the tree.
inline std::string InclusionShape(std::uint64_t index, std::uint64_t size) {
  if (size == 1) return "";
  const std::uint64_t k = LargestPowerOfTwoBelow(size);
  return index < k ? InclusionShape(index, k) + 'R' : InclusionShape(index - k, size - k) + 'L';
}

// The same for a consistency path, which starts with the first root itself or with a node sent.
inline std::string ConsistencyShape(std::uint64_t first, std::uint64_t second, bool whole = true) {
  if (first == second) return whole ? "first root, " : "node, ";
  const std::uint64_t k = LargestPowerOfTwoBelow(second);
  return first <= k ? ConsistencyShape(first, k, whole) + 'R'
                    : ConsistencyShape(first - k, second - k, false) + 'L';
}

}  // namespace florin::merkle::test
