// Rendezvous hashing (highest random weight; Thaler & Ravishankar, 1998): which of several nodes
// has a key, agreed on by all who know the same nodes, without a word between them.
//
// Each node gets a weight for the key; the heaviest has it. A node that leaves changes the owner of
// its own keys only, and spreads them over all the others.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace florin::rpc {

// Indices into `nodes`, the node that has `key` first, then those that take over in its absence.
// Depends on the names of the nodes, not on their order. Nodes are distinct.
std::vector<std::size_t> RankByRendezvous(std::string_view key, std::span<const std::string> nodes);

// The weight of `node` for `key`: FNV-1a (64 bits) over the octets of `node`, one zero octet and
// the octets of `key`, mixed by the finalizer of MurmurHash3 (fmix64). The same in every process
// and version, for ever: who disagrees on it disagrees on who has what.
std::uint64_t RendezvousWeight(std::string_view key, std::string_view node);

}  // namespace florin::rpc
