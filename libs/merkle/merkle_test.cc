#include "libs/merkle/merkle.h"

#include <bit>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "libs/merkle/test_tree.h"
#include "libs/status/matchers.h"

namespace florin::merkle {
namespace {

using test::ConsistencyShape;
using test::InclusionShape;
using test::Leaves;
using test::NaiveConsistencyPath;
using test::NaiveInclusionPath;
using test::NaiveRoot;

// The tree of the Certificate Transparency reference implementation (RFC 6962), and what it says of
// it.
const char* const kLeaves[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
const char* const kRoots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};
struct Vector {
  std::uint64_t first;  // Index of the leaf, or size of the first tree
  std::uint64_t size;
  std::vector<std::string> path;
};
const Vector kInclusions[] = {
    {0, 1, {}},
    {0,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};
const Vector kConsistencies[] = {
    {1, 1, {}},
    {1,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {6,
     8,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2,
     5,
     {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

Digest FromHex(std::string_view hex) {
  const std::string octets = absl::HexStringToBytes(std::string(hex));
  Digest digest{};
  std::copy(octets.begin(), octets.end(), digest.begin());
  return digest;
}

std::vector<Digest> PathOf(const Vector& vector) {
  std::vector<Digest> path;
  for (const std::string& node : vector.path) path.push_back(FromHex(node));
  return path;
}

std::vector<Digest> ReferenceLeaves() {
  std::vector<Digest> hashes;
  for (const char* leaf : kLeaves) hashes.push_back(LeafHash(absl::HexStringToBytes(leaf)));
  return hashes;
}

Digest WithBit(Digest digest, int bit) {
  digest[bit / 8] ^= 1 << (bit % 8);
  return digest;
}

TEST(Merkle, HasTheRootsOfTheReferenceTree) {
  const std::vector<Digest> leaves = ReferenceLeaves();
  Frontier frontier;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    EXPECT_EQ(frontier.size(), size);
    EXPECT_EQ(frontier.Root(), FromHex(kRoots[size])) << size;
    EXPECT_EQ(NaiveRoot(leaves, 0, size), FromHex(kRoots[size])) << size;
    if (size < leaves.size()) frontier.Append(leaves[size]);
  }
  EXPECT_EQ(EmptyRoot(), FromHex(kRoots[0]));
}

TEST(Merkle, AcceptsTheProofsOfTheReferenceTree) {
  const std::vector<Digest> leaves = ReferenceLeaves();
  for (const Vector& vector : kInclusions) {
    EXPECT_EQ(NaiveInclusionPath(leaves, vector.first, vector.size), PathOf(vector));
    EXPECT_TRUE(VerifyInclusion(leaves[vector.first], vector.first, vector.size, PathOf(vector),
                                FromHex(kRoots[vector.size])));
  }
  for (const Vector& vector : kConsistencies) {
    EXPECT_EQ(NaiveConsistencyPath(leaves, vector.first, vector.size), PathOf(vector));
    EXPECT_TRUE(VerifyConsistency(vector.first, FromHex(kRoots[vector.first]), vector.size,
                                  FromHex(kRoots[vector.size]), PathOf(vector)));
  }
}

// Invariant 1: without the prefixes the two leaves "a" and "b" would have the root of the one leaf
// that is their hashes.
TEST(Merkle, TellsNodesFromLeaves) {
  const Digest a = LeafHash("a");
  const Digest b = LeafHash("b");
  const std::string both = std::string(crypto::AsOctets(a)) + std::string(crypto::AsOctets(b));
  EXPECT_NE(LeafHash(both), NodeHash(a, b));
  EXPECT_EQ(LeafHash("a"), crypto::Sha256(std::string("\0a", 2)));
  EXPECT_EQ(NodeHash(a, b), crypto::Sha256("\x01" + both));
}

TEST(Frontier, AgreesWithTheRecursionOfTheRfc) {
  const std::vector<Digest> leaves = Leaves(600);
  Frontier frontier;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    ASSERT_EQ(frontier.Root(), NaiveRoot(leaves, 0, size)) << size;
    if (size < leaves.size()) frontier.Append(leaves[size]);
  }
}

// Invariant 2.
TEST(Frontier, RestoredAtAnySizeGoesOnAsIfNothingHadHappened) {
  const std::vector<Digest> leaves = Leaves(300);
  Frontier through;
  Frontier restored;
  for (const Digest& leaf : leaves) {
    through.Append(leaf);
    restored.Append(leaf);
    EXPECT_EQ(through.Digests().size(), static_cast<std::size_t>(std::popcount(through.size())));
    ASSERT_EQ(restored.Root(), through.Root()) << through.size();
    restored = Frontier::Restore(through.size(), restored.Digests()).value();
  }
}

TEST(Frontier, RefusesDigestsThatDoNotFitTheSize) {
  const std::vector<Digest> leaves = Leaves(3);
  EXPECT_THAT(Frontier::Restore(0, {}), IsOk());
  EXPECT_THAT(Frontier::Restore(5, {leaves[0], leaves[1]}), IsOk());
  EXPECT_THAT(Frontier::Restore(0, {leaves[0]}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Frontier::Restore(5, {leaves[0]}), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Frontier::Restore(5, leaves), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Frontier::Restore(1, {}), StatusHasParam("digests"));
}

// Invariant 3. Every leaf of every tree of up to 24 leaves, a bit of every octet of everything.
TEST(Inclusion, AnyBitThatChangesIsRefused) {
  const std::vector<Digest> leaves = Leaves(24);
  for (std::uint64_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = NaiveRoot(leaves, 0, size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> path = NaiveInclusionPath(leaves, index, size);
      const Digest& leaf = leaves[index];
      ASSERT_TRUE(VerifyInclusion(leaf, index, size, path, root)) << index << " of " << size;
      for (int bit = static_cast<int>(index % 8); bit < 256; bit += 8) {
        ASSERT_FALSE(VerifyInclusion(WithBit(leaf, bit), index, size, path, root));
        ASSERT_FALSE(VerifyInclusion(leaf, index, size, path, WithBit(root, bit)));
        for (std::size_t i = 0; i < path.size(); ++i) {
          std::vector<Digest> changed = path;
          changed[i] = WithBit(path[i], bit);
          ASSERT_FALSE(VerifyInclusion(leaf, index, size, changed, root));
        }
      }
      for (int bit = 0; bit < 64; ++bit) {
        const std::uint64_t mask = std::uint64_t{1} << bit;
        ASSERT_FALSE(VerifyInclusion(leaf, index ^ mask, size, path, root)) << (index ^ mask);
      }
    }
  }
}

// A path says from which side each of its nodes joins, and no more of the size. That is what the
// header warns of; the size is bound to the root by the signed tree head.
TEST(Inclusion, AnotherSizeIsAcceptedOnlyWhereTheTreeHasTheSameShapeAroundTheLeaf) {
  const std::vector<Digest> leaves = Leaves(33);
  for (std::uint64_t size = 1; size <= 33; ++size) {
    const Digest root = NaiveRoot(leaves, 0, size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> path = NaiveInclusionPath(leaves, index, size);
      for (std::uint64_t other = 0; other <= 70; ++other) {
        const bool same_shape =
            index < other && InclusionShape(index, other) == InclusionShape(index, size);
        ASSERT_EQ(VerifyInclusion(leaves[index], index, other, path, root), same_shape)
            << index << " of " << size << " as of " << other;
      }
      for (int bit = 7; bit < 64; ++bit) {
        const std::uint64_t other = size ^ (std::uint64_t{1} << bit);
        ASSERT_FALSE(VerifyInclusion(leaves[index], index, other, path, root)) << other;
      }
    }
  }
}

TEST(Inclusion, AShorterOrLongerPathIsRefused) {
  const std::vector<Digest> leaves = Leaves(20);
  for (std::uint64_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = NaiveRoot(leaves, 0, size);
    for (std::uint64_t index = 0; index < size; ++index) {
      std::vector<Digest> path = NaiveInclusionPath(leaves, index, size);
      for (const Digest& more : {leaves[0], root, Digest{}}) {
        path.push_back(more);
        EXPECT_FALSE(VerifyInclusion(leaves[index], index, size, path, root));
        path.pop_back();
      }
      if (path.empty()) continue;
      const Digest inner = NaiveRoot(leaves, 0, LargestPowerOfTwoBelow(size));
      path.pop_back();
      EXPECT_FALSE(VerifyInclusion(leaves[index], index, size, path, root));
      EXPECT_FALSE(VerifyInclusion(leaves[index], index, size, path, inner)) << "sn is not 0";
    }
  }
  EXPECT_FALSE(VerifyInclusion(leaves[0], 0, 0, {}, leaves[0])) << "an empty tree has no leaf";
  EXPECT_FALSE(VerifyInclusion(leaves[0], 1, 1, {}, leaves[0]));
}

// Invariant 3.
TEST(Consistency, AnyBitThatChangesIsRefused) {
  const std::vector<Digest> leaves = Leaves(26);
  for (std::uint64_t second = 1; second <= leaves.size(); ++second) {
    const Digest second_root = NaiveRoot(leaves, 0, second);
    for (std::uint64_t first = 1; first <= second; ++first) {
      const Digest first_root = NaiveRoot(leaves, 0, first);
      const std::vector<Digest> path = NaiveConsistencyPath(leaves, first, second);
      const auto verify = [&](const Digest& root1, const Digest& root2, const auto& nodes) {
        return VerifyConsistency(first, root1, second, root2, nodes);
      };
      ASSERT_TRUE(verify(first_root, second_root, path)) << first << " of " << second;
      for (int bit = static_cast<int>(first % 8); bit < 256; bit += 8) {
        ASSERT_FALSE(verify(WithBit(first_root, bit), second_root, path));
        ASSERT_FALSE(verify(first_root, WithBit(second_root, bit), path));
        for (std::size_t i = 0; i < path.size(); ++i) {
          std::vector<Digest> changed = path;
          changed[i] = WithBit(path[i], bit);
          ASSERT_FALSE(verify(first_root, second_root, changed));
        }
      }
      for (const Digest& more : {first_root, second_root, Digest{}}) {
        std::vector<Digest> longer = path;
        longer.push_back(more);
        ASSERT_FALSE(verify(first_root, second_root, longer)) << first << " of " << second;
      }
      if (path.empty()) continue;
      ASSERT_FALSE(
          verify(first_root, second_root, std::vector<Digest>(path.begin(), path.end() - 1)));
      ASSERT_FALSE(
          verify(first_root, second_root, std::vector<Digest>(path.begin() + 1, path.end())));
      ASSERT_FALSE(verify(first_root, second_root, std::vector<Digest>()));
    }
  }
}

TEST(Consistency, OtherSizesAreAcceptedOnlyWhereTheTwoTreesHaveTheSameShape) {
  const std::vector<Digest> leaves = Leaves(18);
  for (std::uint64_t second = 2; second <= leaves.size(); ++second) {
    const Digest second_root = NaiveRoot(leaves, 0, second);
    for (std::uint64_t first = 1; first < second; ++first) {
      const Digest first_root = NaiveRoot(leaves, 0, first);
      const std::vector<Digest> path = NaiveConsistencyPath(leaves, first, second);
      const std::string shape = ConsistencyShape(first, second);
      for (std::uint64_t other2 = 0; other2 <= 36; ++other2) {
        for (std::uint64_t other1 = 0; other1 <= 36; ++other1) {
          const bool same_shape =
              0 < other1 && other1 < other2 && ConsistencyShape(other1, other2) == shape;
          ASSERT_EQ(VerifyConsistency(other1, first_root, other2, second_root, path), same_shape)
              << first << " of " << second << " as " << other1 << " of " << other2;
        }
      }
    }
  }
}

TEST(Consistency, OfEqualAndEmptyTrees) {
  const std::vector<Digest> leaves = Leaves(4);
  const Digest root = NaiveRoot(leaves, 0, 4);
  EXPECT_TRUE(VerifyConsistency(4, root, 4, root, {}));
  EXPECT_FALSE(VerifyConsistency(4, root, 4, leaves[0], {}));
  EXPECT_FALSE(VerifyConsistency(4, root, 4, root, {root}));
  EXPECT_TRUE(VerifyConsistency(0, EmptyRoot(), 4, root, {}));
  EXPECT_FALSE(VerifyConsistency(0, root, 4, root, {}));
  EXPECT_FALSE(VerifyConsistency(0, EmptyRoot(), 4, root, {root}));
  EXPECT_TRUE(VerifyConsistency(0, EmptyRoot(), 0, EmptyRoot(), {}));
  EXPECT_FALSE(VerifyConsistency(4, root, 3, root, {})) << "a log only grows";
}

// The attack that consistency proofs are for: a leaf of the past is exchanged.
TEST(Consistency, AChangedPastIsRefused) {
  std::vector<Digest> leaves = Leaves(20);
  const Digest before = NaiveRoot(leaves, 0, 11);
  leaves[4] = LeafHash("another story");
  EXPECT_FALSE(VerifyConsistency(11, before, 20, NaiveRoot(leaves, 0, 20),
                                 NaiveConsistencyPath(leaves, 11, 20)));
}

}  // namespace
}  // namespace florin::merkle
