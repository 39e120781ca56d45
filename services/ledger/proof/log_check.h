// Whether the stored Merkle log of a book is the log of its journal.
//
//   LogCheck log(keys, trusted, problems);
//   log.Start(origin);
//   for (…) log.AddRecord(sequence, LeafOf(line));   // first all records, in order of sequence,
//   for (…) log.AddTile(tile);                       // then all tiles, level 0 first, by index,
//   for (…) log.AddHead(head);                       // then all signed heads, by size
//   log.Finish();
//
// Checked: each leaf hash is in its tile; each level of tiles has the roots of the level below; all
// tiles up to the last head are there, and no other; the root of each head is that of the first
// `size` records, its signature is valid under one of `keys`, sizes and times increase; the log
// goes on from the trusted head, which is still among the heads. Where there are keys, there is a
// head.
//
// Where a record and its tile disagree, that is said once: heads may then agree with either.
// Memory: 32 octets for each record. Not thread-safe. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/crypto/signer.h"
#include "libs/merkle/tiles.h"
#include "libs/merkle/tree_head.h"
#include "services/ledger/proof/export_format.h"
#include "services/ledger/proof/problem.h"

namespace florin::ledger::proof {

class LogCheck {
 public:
  // Without keys, signatures are not checked. `trusted`: a head that was verified earlier.
  // `problems` is not owned.
  LogCheck(std::vector<crypto::SignerKey> keys, std::optional<merkle::TreeHead> trusted,
           Problems& problems)
      : keys_(std::move(keys)), trusted_(std::move(trusted)), problems_(problems) {}

  void Start(std::string origin) { origin_ = std::move(origin); }
  void AddRecord(std::int64_t sequence, const merkle::Digest& leaf);
  // `id_of` names a record in a problem.
  using IdOf = std::function<std::string(std::int64_t sequence)>;
  void AddTile(const merkle::Tile& tile, const IdOf& id_of);
  void AddHead(const HeadLine& head);
  void Finish();

  // The last head whose root, and signature if there are keys, are right.
  const std::optional<merkle::TreeHead>& last_head() const { return last_head_; }

 private:
  using Hashes = std::vector<merkle::Digest>;

  bool FitsInPlace(const merkle::Tile& tile);
  void CheckHash(const merkle::Tile& tile, std::size_t i, const IdOf& id_of);
  void AddRoots(const merkle::Tile& tile);
  // The roots of the tiles of this level up to `end` that are not there follow from the records.
  void SkipTo(std::uint64_t end);
  void NextLevel();
  std::uint64_t FullTiles() const { return HashesHere().size() / merkle::kTileWidth; }
  const Hashes& HashesHere() const { return level_ == 0 ? leaves_ : recorded_here_; }
  merkle::Digest RecordedRoot(std::uint64_t tile) const;
  void CheckTileCounts();

  bool IsAfterTheLast(const HeadLine& head);
  bool HasTheRoot(const HeadLine& head);
  bool IsSigned(const HeadLine& head);
  void CheckTrusted();
  void BadTile(int level, std::uint64_t index, std::string why);
  void BadHead(std::int64_t size, std::string why);

  const std::vector<crypto::SignerKey> keys_;
  const std::optional<merkle::TreeHead> trusted_;
  Problems& problems_;
  std::string origin_;

  Hashes leaves_;                    // Of the records
  Hashes sealed_leaves_;             // As the tiles have them; empty if that is the same
  std::set<std::uint64_t> missing_;  // Leaves of records that are neither in the book nor in a tile

  // Tiles. On a level above 0: the hashes that follow from the records, and those that follow from
  // the tiles below; and the same for the next level, as far as known.
  int level_ = 0;
  std::uint64_t next_tile_ = 0;
  Hashes recorded_here_, stored_here_;
  Hashes recorded_above_, stored_above_;
  std::array<std::uint64_t, merkle::kTileLevels> tiles_ = {};  // Of each level: up to the last one

  // Heads.
  merkle::Frontier recorded_tree_;
  merkle::Frontier sealed_tree_;
  std::optional<HeadLine> last_line_;
  std::int64_t last_agreed_size_ = 0;
  bool trusted_found_ = false;
  std::optional<merkle::TreeHead> last_head_;
};

}  // namespace florin::ledger::proof
