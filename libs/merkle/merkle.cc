#include "libs/merkle/merkle.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::merkle {
namespace {

// What both checks walk: where the node that has been computed stands on its level, and where the
// last node of that level stands (fn and sn of the RFC).
struct Position {
  std::uint64_t node;
  std::uint64_t last;

  bool SiblingIsLeft() const { return (node & 1) != 0 || node == last; }
  void Rise() {
    node >>= 1;
    last >>= 1;
  }
  // A last node without sibling on its level moves up unchanged until it has one.
  void SkipLevelsWithoutSibling() {
    while ((node & 1) == 0 && node != 0) Rise();
  }
};

}  // namespace

Digest LeafHash(std::string_view leaf) { return crypto::Sha256(std::string(1, '\0').append(leaf)); }

Digest NodeHash(const Digest& left, const Digest& right) {
  char octets[1 + 2 * sizeof(Digest)] = {1};
  std::copy(right.begin(), right.end(), std::copy(left.begin(), left.end(), octets + 1));
  return crypto::Sha256(std::string_view(octets, sizeof octets));
}

Digest EmptyRoot() { return crypto::Sha256(""); }

std::uint64_t LargestPowerOfTwoBelow(std::uint64_t leaf_count) {
  FLORIN_CHECK(leaf_count > 1, "only a tree of several leaves is split");
  return std::bit_floor(leaf_count - 1);
}

absl::StatusOr<Frontier> Frontier::Restore(std::uint64_t size, std::vector<Digest> digests) {
  const auto expected = static_cast<std::size_t>(std::popcount(size));
  if (digests.size() != expected) {
    return Error(Reason::kInvalidField,
                 absl::StrCat("the frontier of a tree of ", size, " leaves has ", expected,
                              " digests, not ", digests.size()),
                 {.param = "digests"});
  }
  Frontier frontier;
  frontier.size_ = size;
  frontier.digests_ = std::move(digests);
  return frontier;
}

void Frontier::Append(const Digest& leaf_hash) {
  Digest node = leaf_hash;
  // Each complete subtree at the end that is as large as `node` joins it, like a carry.
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    node = NodeHash(digests_.back(), node);
    digests_.pop_back();
  }
  digests_.push_back(node);
  ++size_;
}

Digest Frontier::Root() const { return RootOfSubtrees(digests_); }

Digest RootOfSubtrees(const std::vector<Digest>& digests) {
  if (digests.empty()) return EmptyRoot();
  Digest root = digests.back();
  for (auto left = std::next(digests.rbegin()); left != digests.rend(); ++left) {
    root = NodeHash(*left, root);
  }
  return root;
}

bool VerifyInclusion(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
                     const std::vector<Digest>& path, const Digest& root) {
  if (index >= size) return false;
  Position at{index, size - 1};
  Digest node = leaf_hash;
  for (const Digest& sibling : path) {
    if (at.last == 0) return false;
    if (at.SiblingIsLeft()) {
      node = NodeHash(sibling, node);
      at.SkipLevelsWithoutSibling();
    } else {
      node = NodeHash(node, sibling);
    }
    at.Rise();
  }
  return at.last == 0 && node == root;
}

bool VerifyConsistency(std::uint64_t first_size, const Digest& first_root,
                       std::uint64_t second_size, const Digest& second_root,
                       const std::vector<Digest>& path) {
  if (first_size > second_size) return false;
  if (first_size == second_size) return path.empty() && first_root == second_root;
  if (first_size == 0) return path.empty() && first_root == EmptyRoot();
  if (path.empty()) return false;
  // A first tree that is one complete subtree is itself where the path starts; it is not sent.
  const bool complete = std::has_single_bit(first_size);
  Digest first = complete ? first_root : path.front();
  Digest second = first;
  Position at{first_size - 1, second_size - 1};
  while ((at.node & 1) != 0) at.Rise();
  for (auto step = path.begin() + (complete ? 0 : 1); step != path.end(); ++step) {
    if (at.last == 0) return false;
    if (at.SiblingIsLeft()) {
      first = NodeHash(*step, first);
      second = NodeHash(*step, second);
      at.SkipLevelsWithoutSibling();
    } else {
      second = NodeHash(second, *step);
    }
    at.Rise();
  }
  return at.last == 0 && first == first_root && second == second_root;
}

}  // namespace florin::merkle
