#include "services/ledger/store/fake_log_store.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/proof/record.h"
#include "services/ledger/store/journal_record.h"

namespace florin::ledger {
namespace {

using merkle::Digest;
using merkle::SignedTreeHead;

absl::Status Contradiction(std::string_view what) {
  return Error(Reason::kLogInconsistent, std::string(what));
}

LogRecord Encode(const Decision& decision) {
  return {.sequence = decision.sequence,
          .commit_time = decision.commit_time,
          .line = proof::EncodeRecord(RecordOf(decision))};
}

}  // namespace

Task<absl::StatusOr<std::optional<SignedTreeHead>>> FakeLogStore::LatestHead(std::string book) {
  std::lock_guard lock(mutex_);
  const auto& heads = logs_[book].heads;
  if (heads.empty()) co_return std::nullopt;
  co_return heads.rbegin()->second;
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> FakeLogStore::HeadAt(std::string book,
                                                                         std::uint64_t size) {
  std::lock_guard lock(mutex_);
  const auto& heads = logs_[book].heads;
  const auto head = heads.find(size);
  if (head == heads.end()) co_return std::nullopt;
  co_return head->second;
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> FakeLogStore::HeadAtLeast(std::string book,
                                                                              std::uint64_t size) {
  std::lock_guard lock(mutex_);
  const auto& heads = logs_[book].heads;
  const auto head = heads.lower_bound(size);
  if (head == heads.end()) co_return std::nullopt;
  co_return head->second;
}

std::vector<LogRecord> FakeLogStore::ReadRecords(const std::string& book, std::int64_t after,
                                                 int limit) {
  std::vector<LogRecord> records;
  store_.Inspect(book, [&](const FakeStore::Book& kept) {
    for (auto at = static_cast<std::size_t>(after);
         at < kept.journal.size() && static_cast<int>(records.size()) < limit; ++at) {
      records.push_back(Encode(kept.loaded.decisions.at(kept.journal[at])));
    }
  });
  return records;
}

Task<absl::StatusOr<std::vector<LogRecord>>> FakeLogStore::Records(std::string book,
                                                                   std::int64_t after_sequence,
                                                                   int limit) {
  co_return ReadRecords(book, after_sequence, limit);
}

Task<absl::StatusOr<std::optional<LogRecord>>> FakeLogStore::FindRecord(std::string book,
                                                                        Uuid transaction_id) {
  std::optional<LogRecord> record;
  store_.Inspect(book, [&](const FakeStore::Book& kept) {
    const auto decision = kept.loaded.decisions.find(transaction_id);
    if (decision != kept.loaded.decisions.end()) record = Encode(decision->second);
  });
  co_return record;
}

absl::StatusOr<std::vector<Digest>> FakeLogStore::ReadPart(const std::string& book,
                                                           const TilePart& part) {
  const std::map<TileId, merkle::Tile>& tiles = logs_[book].tiles;
  std::vector<Digest> hashes;
  if (const auto tile = tiles.find({part.level, part.index}); tile != tiles.end()) {
    hashes = tile->second.hashes;
    hashes.resize(static_cast<std::size_t>(part.width));
  } else if (part.width < merkle::kTileWidth && part.level == 0) {
    const auto first = static_cast<std::int64_t>(part.index) * merkle::kTileWidth;
    for (const LogRecord& record : ReadRecords(book, first, part.width)) {
      hashes.push_back(proof::LeafOf(record.line));
    }
  } else if (part.width < merkle::kTileWidth) {
    for (int i = 0; i < part.width; ++i) {
      const auto below = tiles.find(
          {part.level - 1, part.index * merkle::kTileWidth + static_cast<std::uint64_t>(i)});
      if (below != tiles.end()) hashes.push_back(below->second.root);
    }
  }
  if (hashes.size() == static_cast<std::size_t>(part.width)) return hashes;
  return Contradiction(absl::StrCat("tile ", part.index, " of level ", part.level, " has ",
                                    hashes.size(), " hashes instead of ", part.width));
}

Task<absl::StatusOr<std::vector<std::vector<Digest>>>> FakeLogStore::Hashes(
    std::string book, std::vector<TilePart> parts) {
  std::lock_guard lock(mutex_);
  std::vector<std::vector<Digest>> all;
  for (const TilePart& part : parts) {
    FLORIN_CO_ASSIGN_OR_RETURN(std::vector<Digest> hashes, ReadPart(book, part));
    all.push_back(std::move(hashes));
  }
  co_return all;
}

Task<absl::StatusOr<SignedTreeHead>> FakeLogStore::Append(std::string book,
                                                          LogExtension extension) {
  std::lock_guard lock(mutex_);
  Log& log = logs_[book];
  const std::uint64_t size = log.heads.empty() ? 0 : log.heads.rbegin()->first;
  if (size != extension.from_size) {
    if (log.heads.empty()) co_return Contradiction("the log's tree heads are gone");
    co_return log.heads.rbegin()->second;
  }
  for (const merkle::Tile& tile : extension.tiles) {
    if (!log.tiles.contains({tile.level, tile.index})) continue;
    co_return Contradiction("two histories exist: a tile beyond the latest tree head is there");
  }
  for (merkle::Tile& tile : extension.tiles) {
    log.tiles.emplace(TileId(tile.level, tile.index), std::move(tile));
  }
  log.heads.emplace(extension.head.head.size, extension.head);
  co_return extension.head;
}

Task<absl::StatusOr<Backlog>> FakeLogStore::BacklogAfter(std::string book, std::uint64_t size) {
  std::optional<std::int64_t> last;
  store_.Inspect(book, [&](const FakeStore::Book& kept) {
    last = static_cast<std::int64_t>(kept.journal.size());
  });
  if (!last) co_return BookNotFound();
  const auto covered = static_cast<std::int64_t>(size);
  if (covered > *last) co_return Contradiction("the log covers more than the book has");
  Backlog backlog{.records = *last - covered, .oldest_commit_time = {}};
  for (const LogRecord& next : ReadRecords(book, covered, 1)) {
    backlog.oldest_commit_time = next.commit_time;
  }
  co_return backlog;
}

}  // namespace florin::ledger
