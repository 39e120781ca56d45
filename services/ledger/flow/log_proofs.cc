#include "services/ledger/flow/log_proofs.h"

#include <functional>
#include <utility>

#include "libs/merkle/tiles.h"

namespace florin::ledger {
namespace {

using Path = absl::StatusOr<std::vector<merkle::Digest>>;
using MakePath = std::function<Path(merkle::TileReader&)>;

// Notes what is read, and gives hashes of nothing: which tiles a proof reads does not depend on
// what is in them.
class Wanted : public merkle::TileReader {
 public:
  Path Hashes(int level, std::uint64_t index, int width) override {
    parts_.push_back({.level = level, .index = index, .width = width});
    return std::vector<merkle::Digest>(static_cast<std::size_t>(width));
  }
  const std::vector<TilePart>& parts() const { return parts_; }

 private:
  std::vector<TilePart> parts_;
};

// Gives the hashes of those parts, which are read in the same order.
class Found : public merkle::TileReader {
 public:
  explicit Found(std::vector<std::vector<merkle::Digest>> hashes) : hashes_(std::move(hashes)) {}
  Path Hashes(int, std::uint64_t, int) override { return std::move(hashes_.at(next_++)); }

 private:
  std::vector<std::vector<merkle::Digest>> hashes_;
  std::size_t next_ = 0;
};

Task<Path> Prove(LogStore& log_store, std::string book, MakePath make) {
  Wanted wanted;
  FLORIN_CO_RETURN_IF_ERROR(make(wanted).status());
  std::vector<TilePart> parts = wanted.parts();
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<std::vector<merkle::Digest>> hashes,
                             co_await log_store.Hashes(std::move(book), std::move(parts)));
  Found found(std::move(hashes));
  co_return make(found);
}

}  // namespace

Task<absl::StatusOr<std::vector<merkle::Digest>>> ProveInclusion(LogStore& log_store,
                                                                 std::string book,
                                                                 std::uint64_t index,
                                                                 std::uint64_t size) {
  MakePath make = [index, size](merkle::TileReader& reader) {
    return merkle::InclusionPath(index, size, reader);
  };
  return Prove(log_store, std::move(book), std::move(make));
}

Task<absl::StatusOr<std::vector<merkle::Digest>>> ProveConsistency(LogStore& log_store,
                                                                   std::string book,
                                                                   std::uint64_t first,
                                                                   std::uint64_t second) {
  MakePath make = [first, second](merkle::TileReader& reader) {
    return merkle::ConsistencyPath(first, second, reader);
  };
  return Prove(log_store, std::move(book), std::move(make));
}

}  // namespace florin::ledger
