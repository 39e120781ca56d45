#include "services/ledger/proof/log_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace florin::ledger::proof {
namespace {

// A record further beyond the last one than this is out of place, rather than the records between
// them missing.
constexpr std::uint64_t kMostMissing = 1'000'000;

merkle::Digest RootOf(const merkle::Digest* hashes) {
  merkle::Frontier frontier;
  for (int i = 0; i < merkle::kTileWidth; ++i) frontier.Append(hashes[i]);
  return frontier.Root();
}

std::string TileName(int level, std::uint64_t index) { return absl::StrCat(level, "/", index); }

void Grow(merkle::Frontier& tree, const std::vector<merkle::Digest>& leaves, std::uint64_t size) {
  while (tree.size() < size) tree.Append(leaves[tree.size()]);
}

}  // namespace

void LogCheck::BadTile(int level, std::uint64_t index, std::string why) {
  problems_.Add({.what = "tile", .id = TileName(level, index), .message = std::move(why)});
}

void LogCheck::BadHead(std::int64_t size, std::string why) {
  problems_.Add({.what = "tree_head", .number = size, .id = "", .message = std::move(why)});
}

// That a record is out of place is the journal's problem (BookReplay).
void LogCheck::AddRecord(std::int64_t sequence, const merkle::Digest& leaf) {
  if (sequence <= static_cast<std::int64_t>(leaves_.size())) return;
  const std::uint64_t place = static_cast<std::uint64_t>(sequence) - 1;
  if (place - leaves_.size() > kMostMissing) return;
  for (; leaves_.size() < place; leaves_.emplace_back()) missing_.insert(leaves_.size());
  leaves_.push_back(leaf);
}

// ---- Tiles

void LogCheck::AddTile(const merkle::Tile& tile, const IdOf& id_of) {
  while (level_ < tile.level) NextLevel();
  if (!FitsInPlace(tile)) return;
  for (; next_tile_ < tile.index; SkipTo(next_tile_ + 1)) {
    BadTile(level_, next_tile_, "it is missing");
  }
  for (std::size_t i = 0; i < tile.hashes.size(); ++i) CheckHash(tile, i, id_of);
  AddRoots(tile);
  tiles_[static_cast<std::size_t>(level_)] = ++next_tile_;
}

bool LogCheck::FitsInPlace(const merkle::Tile& tile) {
  const char* why = nullptr;
  if (tile.hashes.size() != static_cast<std::size_t>(merkle::kTileWidth)) why = "it is not full";
  if (tile.level < level_ || tile.index < next_tile_) why = "it is out of order";
  if (tile.level == level_ && tile.index >= FullTiles()) why = "the book has less than it covers";
  if (why != nullptr) BadTile(tile.level, tile.index, why);
  return why == nullptr;
}

void LogCheck::CheckHash(const merkle::Tile& tile, std::size_t i, const IdOf& id_of) {
  const std::uint64_t place = tile.index * merkle::kTileWidth + i;
  const merkle::Digest& hash = tile.hashes[i];
  if (hash == HashesHere()[place]) return;
  if (level_ > 0) {
    // A tile below that is wrong has been named already.
    if (hash == stored_here_[place]) return;
    return BadTile(
        level_, tile.index,
        absl::StrCat("hash ", i, " is not the root of tile ", TileName(level_ - 1, place)));
  }
  if (missing_.erase(place) > 0) {
    leaves_[place] = hash;
    if (!sealed_leaves_.empty()) sealed_leaves_[place] = hash;
    return;
  }
  if (sealed_leaves_.empty()) sealed_leaves_ = leaves_;
  sealed_leaves_[place] = hash;
  const auto sequence = static_cast<std::int64_t>(place) + 1;
  problems_.Add({.what = "journal",
                 .number = sequence,
                 .id = problems_.IsFull() ? "" : id_of(sequence),
                 .message = absl::StrCat("the record is not the one that was sealed: tile ",
                                         TileName(0, tile.index), " has another hash")});
}

void LogCheck::AddRoots(const merkle::Tile& tile) {
  const merkle::Digest stored = RootOf(tile.hashes.data());
  if (stored != tile.root) BadTile(level_, tile.index, "its root is not that of its hashes");
  const merkle::Digest* recorded = HashesHere().data() + tile.index * merkle::kTileWidth;
  const bool same = std::equal(tile.hashes.begin(), tile.hashes.end(), recorded);
  recorded_above_.push_back(same ? stored : RootOf(recorded));
  stored_above_.push_back(stored);
}

void LogCheck::SkipTo(std::uint64_t end) {
  for (; next_tile_ < end; ++next_tile_) {
    const merkle::Digest root = RootOf(HashesHere().data() + next_tile_ * merkle::kTileWidth);
    recorded_above_.push_back(root);
    stored_above_.push_back(root);
  }
}

void LogCheck::NextLevel() {
  SkipTo(FullTiles());
  recorded_here_ = std::move(recorded_above_);
  stored_here_ = std::move(stored_above_);
  recorded_above_.clear();
  stored_above_.clear();
  ++level_;
  next_tile_ = 0;
}

// Tiles and the head that covers them are stored together.
void LogCheck::CheckTileCounts() {
  std::uint64_t due = last_line_ ? static_cast<std::uint64_t>(last_line_->size) : 0;
  due = std::min<std::uint64_t>(due, leaves_.size());
  for (int level = 0; level < merkle::kTileLevels; ++level) {
    due /= merkle::kTileWidth;
    const std::uint64_t there = tiles_[static_cast<std::size_t>(level)];
    for (std::uint64_t tile = there; tile < due; ++tile) BadTile(level, tile, "it is missing");
    if (there > due) BadTile(level, there - 1, "no tree head covers it: a head is missing");
  }
}

// ---- Tree heads

void LogCheck::AddHead(const HeadLine& head) {
  if (!IsAfterTheLast(head)) return;
  last_line_ = head;
  const bool has_the_root = HasTheRoot(head);
  const bool is_signed = IsSigned(head);
  const merkle::TreeHead whole = {.origin = origin_,
                                  .size = static_cast<std::uint64_t>(head.size),
                                  .root = head.root,
                                  .time = head.time};
  if (trusted_ && trusted_->size == whole.size) {
    trusted_found_ = true;
    if (whole != *trusted_) BadHead(head.size, "it is not the trusted tree head of this size");
  }
  if (has_the_root && is_signed) last_head_ = whole;
}

bool LogCheck::IsAfterTheLast(const HeadLine& head) {
  if (head.size < 1 || (last_line_ && head.size <= last_line_->size)) {
    BadHead(head.size, "it is out of order");
    return false;
  }
  if (last_line_ && head.time <= last_line_->time) {
    BadHead(head.size, "it is not dated after the tree head before it");
  }
  return true;
}

bool LogCheck::HasTheRoot(const HeadLine& head) {
  const auto size = static_cast<std::uint64_t>(head.size);
  if (size > leaves_.size()) {
    BadHead(head.size, absl::StrCat("it covers more than the ", leaves_.size(),
                                    " records of the book: records are missing at the end"));
    return false;
  }
  // That a record is missing has been said; without its hash there is nothing to compare with.
  if (!missing_.empty() && *missing_.begin() < size) return false;
  Grow(recorded_tree_, leaves_, size);
  if (!sealed_leaves_.empty()) Grow(sealed_tree_, sealed_leaves_, size);
  if (recorded_tree_.Root() == head.root ||
      (!sealed_leaves_.empty() && sealed_tree_.Root() == head.root)) {
    last_agreed_size_ = head.size;
    return true;
  }
  // Records in tiles are named one by one.
  const auto tiled = static_cast<std::int64_t>(tiles_[0] * merkle::kTileWidth);
  const std::int64_t certain = std::max(last_agreed_size_, tiled);
  std::string why = absl::StrCat("its root is not that of the first ", head.size, " records");
  if (certain < head.size) {
    absl::StrAppend(&why, ": it, or one of the records ", certain + 1, " to ", head.size,
                    ", was altered");
  }
  BadHead(head.size, std::move(why));
  return false;
}

bool LogCheck::IsSigned(const HeadLine& head) {
  if (keys_.empty()) return true;
  const merkle::SignedTreeHead signed_head = {
      .head = {.origin = origin_,
               .size = static_cast<std::uint64_t>(head.size),
               .root = head.root,
               .time = head.time},
      .key_id = head.key_id,
      .signature = head.signature};
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&head](const auto& known) {
    return known.key_id() == head.key_id;
  });
  if (key == keys_.end()) {
    BadHead(head.size, absl::StrCat("it is signed by key ", head.key_id, ", which was not given"));
    return false;
  }
  if (merkle::Verify(signed_head, *key)) return true;
  BadHead(head.size, "its signature is not valid");
  return false;
}

void LogCheck::CheckTrusted() {
  if (!trusted_ || trusted_->size == 0) return;
  const auto size = static_cast<std::int64_t>(trusted_->size);
  if (trusted_->origin != origin_) BadHead(size, "the trusted tree head is of another log");
  if (trusted_found_) return;
  BadHead(size, "the trusted tree head is no longer in the book");
  if (trusted_->size > leaves_.size()) {
    return BadHead(size, "the book has fewer records than the trusted tree head");
  }
  merkle::Frontier tree;
  Grow(tree, leaves_, trusted_->size);
  if (tree.Root() != trusted_->root) BadHead(size, "the log does not begin as it did then");
}

void LogCheck::Finish() {
  if (!keys_.empty() && !leaves_.empty() && !last_line_) {
    BadHead(0, "there is none: nothing shows that the records are the ledger's");
  }
  CheckTileCounts();
  CheckTrusted();
}

}  // namespace florin::ledger::proof
