#include "libs/rpc/rendezvous.h"

#include <algorithm>
#include <utility>

namespace florin::rpc {
namespace {

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325;
constexpr std::uint64_t kFnvPrime = 0x100000001b3;

std::uint64_t Fnv(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return hash;
}

// FNV-1a alone leaves its high bits too alike for keys that differ in their last octets.
std::uint64_t Mix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

std::uint64_t RendezvousWeight(std::string_view key, std::string_view node) {
  constexpr std::string_view kBetween("\0", 1);
  return Mix(Fnv(Fnv(Fnv(kFnvOffset, node), kBetween), key));
}

std::vector<std::size_t> RankByRendezvous(std::string_view key,
                                          std::span<const std::string> nodes) {
  std::vector<std::pair<std::uint64_t, std::size_t>> weights;
  weights.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    weights.emplace_back(RendezvousWeight(key, nodes[i]), i);
  }
  // Equal weights: by name, since the order of the nodes must not matter.
  std::sort(weights.begin(), weights.end(), [&nodes](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : nodes[a.second] < nodes[b.second];
  });
  std::vector<std::size_t> ranks;
  ranks.reserve(nodes.size());
  for (const auto& [weight, index] : weights) ranks.push_back(index);
  return ranks;
}

}  // namespace florin::rpc
