#include "services/ledger/flow/sealer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/clock/microseconds.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger {
namespace {

using merkle::SignedTreeHead;
using merkle::TileBuilder;

absl::Status Inconsistent(std::string_view what) {
  return Error(Reason::kLogInconsistent, std::string(what));
}

std::uint64_t SizeOf(const std::optional<SignedTreeHead>& head) {
  return head ? head->head.size : 0;
}

// Appends records to `builder`; gives the tiles that they complete.
absl::StatusOr<std::vector<merkle::Tile>> AppendAll(const std::vector<LogRecord>& records,
                                                    TileBuilder& builder) {
  std::vector<merkle::Tile> completed;
  for (const LogRecord& record : records) {
    const auto expected = static_cast<std::int64_t>(builder.size()) + 1;
    if (record.sequence != expected) {
      return Inconsistent(absl::StrCat("the journal has no record ", expected));
    }
    for (merkle::Tile& tile : builder.Append(proof::LeafOf(record.line))) {
      completed.push_back(std::move(tile));
    }
  }
  return completed;
}

// The partial tiles of a tree; a level may have none.
std::vector<TilePart> EdgeOf(std::uint64_t size) {
  std::vector<TilePart> parts;
  for (int level = 0; level < merkle::kTileLevels; ++level) {
    const std::uint64_t hashes = merkle::HashesOnLevel(level, size);
    if (hashes == 0) break;
    parts.push_back({.level = level,
                     .index = hashes / merkle::kTileWidth,
                     .width = static_cast<int>(hashes % merkle::kTileWidth)});
  }
  return parts;
}

}  // namespace

Sealer::Sealer(Store& store, LogStore& log_store, crypto::Signer& signer, Clock& clock,
               std::string log, SealerLimits limits)
    : store_(store),
      log_store_(log_store),
      signer_(signer),
      clock_(clock),
      log_(std::move(log)),
      limits_(limits) {}

Task<absl::Status> Sealer::RunOnce() {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<std::string> books, co_await store_.ListBooks());
  absl::Status first;
  for (const std::string& book : books) {
    const absl::Status status = co_await SealBook(book);
    first.Update(status);
  }
  co_return first;
}

Task<absl::Status> Sealer::SealBook(std::string book) {
  Tree& tree = trees_[book];
  const absl::Status status = co_await SealAll(book, tree);
  ReportRefusal(book, status, tree);
  telemetry::SetGauge("florin_ledger_sealed_sequence", {{"book", book}},
                      static_cast<double>(tree.builder.size()));
  co_return status;
}

Task<absl::Status> Sealer::SealAll(std::string book, Tree& tree) {
  const absl::Status caught_up = co_await CatchUp(book, tree);
  // Whatever became of that: what waits must be seen growing.
  const absl::Status reported = co_await ReportBacklog(book, tree.builder.size());
  FLORIN_CO_RETURN_IF_ERROR(caught_up);
  FLORIN_CO_RETURN_IF_ERROR(reported);
  for (int i = 0; i < limits_.chunks; ++i) {
    FLORIN_CO_ASSIGN_OR_RETURN(const bool sealed, co_await SealChunk(book, tree));
    if (!sealed) break;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Sealer::CatchUp(std::string book, Tree& tree) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<SignedTreeHead> latest,
                             co_await log_store_.LatestHead(book));
  const std::uint64_t size = SizeOf(latest);
  const std::uint64_t known = tree.builder.size();
  if (size < known) {
    co_return Inconsistent(
        absl::StrCat("the latest tree head has size ", size, ", but there was one of ", known));
  }
  if (!latest) co_return absl::OkStatus();
  // A copy: a failure on the way leaves the tree as it was.
  absl::StatusOr<TileBuilder> builder;
  if (known == 0) {
    builder = co_await Restore(book, size);
  } else {
    builder = co_await ReadOn(book, tree.builder, size);
  }
  if (!builder.ok()) co_return builder.status();
  FLORIN_CO_RETURN_IF_ERROR(CheckHead(*latest, builder->Root()));
  tree.builder = *std::move(builder);
  tree.head = latest;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<TileBuilder>> Sealer::Restore(std::string book, std::uint64_t size) {
  const std::vector<TilePart> edge = EdgeOf(size);
  std::vector<TilePart> wanted = edge;
  std::erase_if(wanted, [](const TilePart& part) { return part.width == 0; });
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<std::vector<merkle::Digest>> found,
                             co_await log_store_.Hashes(book, std::move(wanted)));
  std::vector<std::vector<merkle::Digest>> partial;
  auto next = found.begin();
  for (const TilePart& part : edge) {
    partial.emplace_back();
    if (part.width > 0) partial.back() = std::move(*next++);
  }
  co_return TileBuilder::Restore(size, partial);
}

Task<absl::StatusOr<TileBuilder>> Sealer::ReadOn(std::string book, TileBuilder builder,
                                                 std::uint64_t size) {
  while (builder.size() < size) {
    const auto limit = std::min<std::uint64_t>(size - builder.size(),
                                               static_cast<std::uint64_t>(limits_.chunk_records));
    const auto after = static_cast<std::int64_t>(builder.size());
    FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                               co_await log_store_.Records(book, after, static_cast<int>(limit)));
    if (records.empty()) co_return Inconsistent("a tree head covers more than the journal has");
    std::function<absl::Status()> append = [&] { return AppendAll(records, builder).status(); };
    FLORIN_CO_RETURN_IF_ERROR(co_await slow_work_.Run<absl::Status>(std::move(append)));
  }
  co_return builder;
}

Task<absl::StatusOr<bool>> Sealer::SealChunk(std::string book, Tree& tree) {
  const auto after = static_cast<std::int64_t>(tree.builder.size());
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                             co_await log_store_.Records(book, after, limits_.chunk_records));
  if (records.empty()) co_return false;
  std::function<absl::StatusOr<Chunk>()> make = [&] { return MakeChunk(book, tree, records); };
  FLORIN_CO_ASSIGN_OR_RETURN(Chunk chunk,
                             co_await slow_work_.Run<absl::StatusOr<Chunk>>(std::move(make)));
  const std::string signature = chunk.extension.head.signature;
  FLORIN_CO_ASSIGN_OR_RETURN(const SignedTreeHead kept,
                             co_await log_store_.Append(book, std::move(chunk.extension)));
  if (kept.head.size != chunk.builder.size() || kept.signature != signature) {
    // Another process was first. What we signed is discarded; go on from what it has stored.
    FLORIN_CO_RETURN_IF_ERROR(co_await CatchUp(book, tree));
    co_return true;
  }
  tree.builder = std::move(chunk.builder);
  tree.head = kept;
  co_return true;
}

absl::StatusOr<Sealer::Chunk> Sealer::MakeChunk(const std::string& book, const Tree& tree,
                                                const std::vector<LogRecord>& records) {
  Chunk chunk;
  chunk.builder = tree.builder;
  chunk.extension.from_size = SizeOf(tree.head);
  FLORIN_ASSIGN_OR_RETURN(chunk.extension.tiles, AppendAll(records, chunk.builder));
  // Invariant 3; nor was a head made before what it covers.
  absl::Time time = std::max(InMicroseconds(clock_.Now()), records.back().commit_time);
  if (tree.head) time = std::max(time, tree.head->head.time + absl::Microseconds(1));
  const merkle::TreeHead head{.origin = proof::OriginOf(log_, book),
                              .size = chunk.builder.size(),
                              .root = chunk.builder.Root(),
                              .time = time};
  FLORIN_ASSIGN_OR_RETURN(chunk.extension.head, merkle::Sign(head, signer_));
  return chunk;
}

absl::Status Sealer::CheckHead(const SignedTreeHead& head, const merkle::Digest& root) const {
  if (head.head.root != root) {
    return Inconsistent(absl::StrCat("the journal up to ", head.head.size,
                                     " has another root than its tree head says"));
  }
  const crypto::SignerKey& key = signer_.public_key();
  if (head.key_id == key.key_id() && !merkle::Verify(head, key)) {
    return Inconsistent(absl::StrCat("the tree head of size ", head.head.size,
                                     " is not what was signed, or of another origin"));
  }
  return absl::OkStatus();
}

Task<absl::Status> Sealer::ReportBacklog(std::string book, std::uint64_t size) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Backlog backlog, co_await log_store_.BacklogAfter(book, size));
  absl::Duration age;
  if (backlog.oldest_commit_time) {
    age = std::max(clock_.Now() - *backlog.oldest_commit_time, absl::ZeroDuration());
  }
  telemetry::SetGauge("florin_ledger_unsealed_records", {{"book", book}},
                      static_cast<double>(backlog.records));
  telemetry::SetGauge("florin_ledger_unsealed_age_seconds", {{"book", book}},
                      absl::ToDoubleSeconds(age));
  co_return absl::OkStatus();
}

void Sealer::ReportRefusal(const std::string& book, const absl::Status& status, Tree& tree) {
  const bool refused = ReasonOf(status) == Reason::kLogInconsistent;
  telemetry::SetGauge("florin_ledger_log_inconsistent", {{"book", book}}, refused ? 1 : 0);
  if (refused && !tree.refused) {
    telemetry::Log(telemetry::Severity::kError, "the log is not signed any more",
                   {{"book", book}, {"error", std::string(status.message())}});
  } else if (!refused && !status.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "sealing failed",
                   {{"book", book}, {"error", std::string(status.message())}});
  }
  tree.refused = refused;
}

}  // namespace florin::ledger
