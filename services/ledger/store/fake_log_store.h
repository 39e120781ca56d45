// Signed logs in memory over a FakeStore's journals, for tests: the same answers as PgLogStore
// (log_store_contract_test.cc).
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/log_store.h"

namespace florin::ledger {

class FakeLogStore : public LogStore {
 public:
  // `store` has the journals; not owned, outlives this.
  explicit FakeLogStore(FakeStore& store) : store_(store) {}

  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> LatestHead(std::string book) override;
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAt(std::string book,
                                                                     std::uint64_t size) override;
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAtLeast(
      std::string book, std::uint64_t size) override;
  Task<absl::StatusOr<std::vector<LogRecord>>> Records(std::string book,
                                                       std::int64_t after_sequence,
                                                       int limit) override;
  Task<absl::StatusOr<std::optional<LogRecord>>> FindRecord(std::string book,
                                                            Uuid transaction_id) override;
  Task<absl::StatusOr<std::vector<std::vector<merkle::Digest>>>> Hashes(
      std::string book, std::vector<TilePart> parts) override;
  Task<absl::StatusOr<merkle::SignedTreeHead>> Append(std::string book,
                                                      LogExtension extension) override;
  Task<absl::StatusOr<Backlog>> BacklogAfter(std::string book, std::uint64_t size) override;

 private:
  using TileId = std::pair<int, std::uint64_t>;  // Level and index
  struct Log {
    std::map<std::uint64_t, merkle::SignedTreeHead> heads;  // By size
    std::map<TileId, merkle::Tile> tiles;
  };

  std::vector<LogRecord> ReadRecords(const std::string& book, std::int64_t after, int limit);
  // With mutex_ held.
  absl::StatusOr<std::vector<merkle::Digest>> ReadPart(const std::string& book,
                                                       const TilePart& part);

  FakeStore& store_;
  std::mutex mutex_;
  std::map<std::string, Log> logs_;  // Guarded by mutex_.
};

}  // namespace florin::ledger
