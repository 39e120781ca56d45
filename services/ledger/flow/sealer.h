// Seals the journals of all books: appends their records to the Merkle logs and signs tree heads.
//
// Invariants:
//   1. A head is signed only over the records of the journal, in order of sequence without gaps,
//      and only as an extension of the latest head that the log has.
//   2. Before the first one, the tree that is gone on from is made again from what is stored, and
//      its root is the one that was signed. So a record of the last, partial tile that was altered
//      under a signed head is found here; older ones by florin-verify and by every proof that
//      meets them.
//   3. Times of heads increase with their sizes, whatever the clock does.
// Where one of them can't be kept, the book is refused: nothing is signed for it any more, an error
// is logged, and florin_ledger_log_inconsistent{book} is 1, until book and log agree again.
//
// May be stopped at any point, and run in several processes: each step is one commit, and whoever
// comes second goes on from what the first has stored. Metrics, of each round:
// florin_ledger_sealed_sequence, florin_ledger_unsealed_records, florin_ledger_unsealed_age_seconds
// (of the oldest unsealed record), each with {book}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signer.h"
#include "libs/merkle/tiles.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/status.h"
#include "services/ledger/store/log_store.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

struct SealerLimits {
  int chunk_records = 4096;  // Covered by one head, at most.
  int chunks = 32;           // Of one book in one round, so that others have their turn.
};

// Not thread-safe: one round at a time, as async::Worker runs them. Destroy it after the Runtime
// has stopped.
class Sealer {
 public:
  // `log`: what all books' logs are named after (proof::OriginOf). References are not owned and
  // outlive the sealer.
  Sealer(Store& store, LogStore& log_store, crypto::Signer& signer, Clock& clock, std::string log,
         SealerLimits limits = {});

  // One round over all books. A book that fails does not hold up the others; the first error is
  // given: kLogInconsistent, those of the store and the signer. The next round begins anew.
  Task<absl::Status> RunOnce();

 private:
  // A book's log as far as this process knows it.
  struct Tree {
    merkle::TileBuilder builder;
    std::optional<merkle::SignedTreeHead> head;  // Of exactly the builder's size; nothing: empty.
    bool refused = false;                        // That it was has been logged.
  };

  struct Chunk {
    merkle::TileBuilder builder;  // With the chunk's records
    LogExtension extension;
  };

  Task<absl::Status> SealBook(std::string book);
  Task<absl::Status> SealAll(std::string book, Tree& tree);
  // Brings the tree to the latest stored head.
  Task<absl::Status> CatchUp(std::string book, Tree& tree);
  Task<absl::StatusOr<merkle::TileBuilder>> Restore(std::string book, std::uint64_t size);
  Task<absl::StatusOr<merkle::TileBuilder>> ReadOn(std::string book, merkle::TileBuilder builder,
                                                   std::uint64_t size);
  // Seals what waits, at most a chunk. Gives whether there was something.
  Task<absl::StatusOr<bool>> SealChunk(std::string book, Tree& tree);
  // The next chunk: hashed, cut into tiles, signed. Blocks.
  absl::StatusOr<Chunk> MakeChunk(const std::string& book, const Tree& tree,
                                  const std::vector<LogRecord>& records);

  absl::Status CheckHead(const merkle::SignedTreeHead& head, const merkle::Digest& root) const;
  Task<absl::Status> ReportBacklog(std::string book, std::uint64_t size);
  void ReportRefusal(const std::string& book, const absl::Status& status, Tree& tree);

  Store& store_;
  LogStore& log_store_;
  crypto::Signer& signer_;
  Clock& clock_;
  const std::string log_;
  const SealerLimits limits_;
  std::map<std::string, Tree> trees_;  // By book. Never shrinks.
  // Hashing a chunk takes milliseconds, and so may a token.
  async::ThreadPool slow_work_{1};
};

}  // namespace florin::ledger
