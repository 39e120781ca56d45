// Where the signed Merkle log of each book is kept: complete tiles, signed tree heads, and the
// journal's records, which are its leaves. Two of them: pg_log_store.h for real, fake_log_store.h
// for tests; log_store_contract_test.cc holds both to this contract.
//
// Leaf i of a book's log is the record with sequence i + 1. The log only grows: each head extends
// the one before it, and with it come the tiles that are full at its size and were not before. The
// partial tiles at the right edge are not stored: they follow from the journal and from the
// complete tiles below.
//
// All methods are thread-safe and fail with kUnavailable if the store cannot be reached, with
// kLogInconsistent if what is kept contradicts itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/ids/ids.h"
#include "libs/merkle/tiles.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/status.h"

namespace florin::ledger {

// A record of the journal as the log hashes it.
struct LogRecord {
  std::int64_t sequence = 0;
  absl::Time commit_time;
  std::string line;  // proof::EncodeRecord

  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

// What waits to be sealed.
struct Backlog {
  std::int64_t records = 0;
  std::optional<absl::Time> oldest_commit_time;  // Nothing if no record waits.

  friend bool operator==(const Backlog&, const Backlog&) = default;
};

// The first `width` hashes (1 to 256) of a tile. 256 means a complete one.
struct TilePart {
  int level = 0;
  std::uint64_t index = 0;
  int width = 0;

  friend bool operator==(const TilePart&, const TilePart&) = default;
};

// How a log grows.
struct LogExtension {
  std::uint64_t from_size = 0;      // Of the head that it extends; 0: the log has none.
  std::vector<merkle::Tile> tiles;  // Complete at the new head's size, and not at `from_size`.
  merkle::SignedTreeHead head;
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // Tree heads; nothing where there is none (or no such book). AtLeast: the smallest one that is
  // not smaller than `size`.
  virtual Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> LatestHead(
      std::string book) = 0;
  virtual Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAt(
      std::string book, std::uint64_t size) = 0;
  virtual Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAtLeast(
      std::string book, std::uint64_t size) = 0;

  // At most `limit` records after a sequence, in order. As the journal has them: whether one is
  // missing is for the caller to see.
  virtual Task<absl::StatusOr<std::vector<LogRecord>>> Records(std::string book,
                                                               std::int64_t after_sequence,
                                                               int limit) = 0;
  // The record of what was decided under an id; nothing if nothing was.
  virtual Task<absl::StatusOr<std::optional<LogRecord>>> FindRecord(std::string book,
                                                                    Uuid transaction_id) = 0;

  // Hashes of tiles, exactly `width` for each part, all of one state of the store. Of a complete
  // tile as stored; of a partial one from the records (level 0) or from the complete tiles below.
  // Error: kLogInconsistent for a part that the book does not have.
  virtual Task<absl::StatusOr<std::vector<std::vector<merkle::Digest>>>> Hashes(
      std::string book, std::vector<TilePart> parts) = 0;

  // Keeps tiles and head together, if the log's latest head still has size `from_size`; otherwise
  // nothing. Gives the latest head afterwards: the one given, or that of another who was first. May
  // be repeated without further effect. Error: kLogInconsistent if a tile of the extension is there
  // already: no head that covered it is, so two histories exist.
  virtual Task<absl::StatusOr<merkle::SignedTreeHead>> Append(std::string book,
                                                              LogExtension extension) = 0;

  // Of a log that covers `size` records. Errors: kBookNotFound; kLogInconsistent if the book has
  // fewer.
  virtual Task<absl::StatusOr<Backlog>> BacklogAfter(std::string book, std::uint64_t size) = 0;
};

}  // namespace florin::ledger
