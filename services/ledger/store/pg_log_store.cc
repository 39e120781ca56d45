#include "services/ledger/store/pg_log_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/proof/record.h"
#include "services/ledger/store/journal_record.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

using merkle::Digest;
using merkle::SignedTreeHead;

// See pg_store.cc for why the order of joins is fixed.
#define LEDGER_HEAD_COLUMNS \
  "size, encode(root, 'hex'), micros(signed_at), key_id, encode(signature, 'hex')"
constexpr char kLatestHead[] =
    "SELECT " LEDGER_HEAD_COLUMNS " FROM tree_heads WHERE book = $1 ORDER BY size DESC LIMIT 1";
constexpr char kHeadAt[] =
    "SELECT " LEDGER_HEAD_COLUMNS " FROM tree_heads WHERE book = $1 AND size = $2";
constexpr char kHeadAtLeast[] =
    "SELECT " LEDGER_HEAD_COLUMNS
    " FROM tree_heads WHERE book = $1 AND size >= $2 ORDER BY size LIMIT 1";
constexpr char kRecords[] =
    "SELECT " LEDGER_JOURNAL_COLUMNS
    " FROM journal WHERE book = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
constexpr char kRecordOf[] =
    "SELECT " LEDGER_JOURNAL_COLUMNS " FROM journal WHERE book = $1 AND transaction_id = $2";
constexpr char kTiles[] =
    "SELECT k.level, k.tile, t.hashes FROM unnest($2::int[], $3::bigint[]) AS k (level, tile) "
    "CROSS JOIN LATERAL (SELECT encode(hashes, 'hex') AS hashes FROM tiles "
    "  WHERE book = $1 AND level = k.level AND tile = k.tile OFFSET 0) AS t";
constexpr char kTileRoots[] =
    "SELECT tile, encode(root, 'hex') FROM tiles "
    "WHERE book = $1 AND level = $2 AND tile >= $3 AND tile < $4 ORDER BY tile";
constexpr char kBacklog[] =
    "SELECT b.last_sequence, micros(j.committed_at) FROM books AS b LEFT JOIN LATERAL ("
    "  SELECT committed_at FROM journal WHERE book = $1 AND sequence = $2::bigint + 1 OFFSET 0) "
    "AS j ON true WHERE b.book = $1";
constexpr char kLock[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('florin.log.' || $1::text, 0))";
constexpr char kInsertTiles[] =
    "INSERT INTO tiles (book, level, tile, root, hashes) "
    "SELECT $1, t.level, t.tile, decode(t.root, 'hex'), decode(t.hashes, 'hex') "
    "FROM unnest($2::int[], $3::bigint[], $4::text[], $5::text[]) "
    "  AS t (level, tile, root, hashes) "
    "ON CONFLICT DO NOTHING";
constexpr char kInsertHead[] =
    "INSERT INTO tree_heads (book, size, root, signed_at, key_id, signature) "
    "VALUES ($1, $2, decode($3, 'hex'), at_micros($4), $5, decode($6, 'hex'))";

absl::Status Contradiction(std::string_view what) {
  return Error(Reason::kLogInconsistent, std::string(what));
}

std::string HexOf(const Digest& digest) { return crypto::Hex(crypto::AsOctets(digest)); }

// Hashes that stand one after the other, in hexadecimal.
absl::StatusOr<std::vector<Digest>> ReadDigests(const pqxx::field& field) {
  const std::string octets = absl::HexStringToBytes(field.c_str());
  Digest digest{};
  if (octets.size() % digest.size() != 0) return Contradiction("a stored hash has a wrong length");
  std::vector<Digest> digests;
  digests.reserve(octets.size() / digest.size());
  for (std::size_t at = 0; at < octets.size(); at += digest.size()) {
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), digest.size(), digest.begin());
    digests.push_back(digest);
  }
  return digests;
}

absl::StatusOr<SignedTreeHead> ReadHead(const std::string& origin, const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Digest> root, ReadDigests(row[1]));
  if (root.size() != 1) return Contradiction("a stored root is not one hash");
  return SignedTreeHead{.head = {.origin = origin,
                                 .size = row[0].as<std::uint64_t>(),
                                 .root = root[0],
                                 .time = ReadTime(row[2])},
                        .key_id = row[3].as<std::string>(),
                        .signature = absl::HexStringToBytes(row[4].c_str())};
}

absl::StatusOr<LogRecord> ReadRecord(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Decision decision, ReadDecision(row));
  return LogRecord{.sequence = decision.sequence,
                   .commit_time = decision.commit_time,
                   .line = proof::EncodeRecord(RecordOf(decision))};
}

absl::StatusOr<std::vector<LogRecord>> ReadRecords(pqxx::transaction_base& transaction,
                                                   const std::string& book,
                                                   std::int64_t after_sequence, int limit) {
  const pqxx::result rows = transaction.exec_prepared("log_records", book, after_sequence, limit);
  std::vector<LogRecord> records;
  records.reserve(static_cast<std::size_t>(rows.size()));
  for (const pqxx::row& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(LogRecord record, ReadRecord(row));
    records.push_back(std::move(record));
  }
  return records;
}

using TileId = std::pair<int, std::uint64_t>;  // Level and index

absl::StatusOr<std::map<TileId, std::vector<Digest>>> ReadTiles(
    pqxx::transaction_base& transaction, const std::string& book,
    const std::vector<TilePart>& parts) {
  pg::Array levels, indexes;
  for (const TilePart& part : parts) {
    levels.Add(std::int64_t{part.level});
    indexes.Add(static_cast<std::int64_t>(part.index));
  }
  std::map<TileId, std::vector<Digest>> tiles;
  for (const pqxx::row& row :
       transaction.exec_prepared("log_tiles", book, levels.literal(), indexes.literal())) {
    FLORIN_ASSIGN_OR_RETURN(std::vector<Digest> hashes, ReadDigests(row[2]));
    if (hashes.size() != merkle::kTileWidth) return Contradiction("a stored tile is not whole");
    tiles[{row[0].as<int>(), row[1].as<std::uint64_t>()}] = std::move(hashes);
  }
  return tiles;
}

// A part of level 0 that is stored as no tile yet.
absl::StatusOr<std::vector<Digest>> HashLeaves(pqxx::transaction_base& transaction,
                                               const std::string& book, const TilePart& part) {
  const auto first = static_cast<std::int64_t>(part.index) * merkle::kTileWidth;
  FLORIN_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                          ReadRecords(transaction, book, first, part.width));
  std::vector<Digest> hashes;
  for (const LogRecord& record : records) {
    if (record.sequence != first + static_cast<std::int64_t>(hashes.size()) + 1) break;
    hashes.push_back(proof::LeafOf(record.line));
  }
  return hashes;
}

// The same above level 0: its hashes are the roots of the tiles below.
absl::StatusOr<std::vector<Digest>> ReadRoots(pqxx::transaction_base& transaction,
                                              const std::string& book, const TilePart& part) {
  const auto first = static_cast<std::int64_t>(part.index) * merkle::kTileWidth;
  std::vector<Digest> roots;
  for (const pqxx::row& row : transaction.exec_prepared("log_tile_roots", book, part.level - 1,
                                                        first, first + part.width)) {
    FLORIN_ASSIGN_OR_RETURN(const std::vector<Digest> root, ReadDigests(row[1]));
    if (row[0].as<std::int64_t>() != first + static_cast<std::int64_t>(roots.size())) break;
    roots.insert(roots.end(), root.begin(), root.end());
  }
  return roots;
}

absl::StatusOr<std::vector<std::vector<Digest>>> ReadParts(pqxx::transaction_base& transaction,
                                                           const std::string& book,
                                                           const std::vector<TilePart>& parts) {
  FLORIN_ASSIGN_OR_RETURN(const auto tiles, ReadTiles(transaction, book, parts));
  std::vector<std::vector<Digest>> all;
  for (const TilePart& part : parts) {
    const auto width = static_cast<std::size_t>(part.width);
    std::vector<Digest> hashes;
    if (const auto tile = tiles.find({part.level, part.index}); tile != tiles.end()) {
      hashes.assign(tile->second.begin(), tile->second.begin() + part.width);
    } else if (part.width == merkle::kTileWidth) {
      return Contradiction(
          absl::StrCat("tile ", part.index, " of level ", part.level, " is missing"));
    } else {
      FLORIN_ASSIGN_OR_RETURN(hashes, part.level == 0 ? HashLeaves(transaction, book, part)
                                                      : ReadRoots(transaction, book, part));
    }
    if (hashes.size() != width) {
      return Contradiction(absl::StrCat("tile ", part.index, " of level ", part.level, " ends at ",
                                        hashes.size(), " hashes instead of ", width));
    }
    all.push_back(std::move(hashes));
  }
  return all;
}

absl::Status InsertTiles(pqxx::work& transaction, const std::string& book,
                         const std::vector<merkle::Tile>& tiles) {
  if (tiles.empty()) return absl::OkStatus();
  pg::Array levels, indexes, roots, contents;
  for (const merkle::Tile& tile : tiles) {
    levels.Add(std::int64_t{tile.level});
    indexes.Add(static_cast<std::int64_t>(tile.index));
    roots.Add(std::string_view(HexOf(tile.root)));
    std::string hashes;
    for (const Digest& hash : tile.hashes) hashes += HexOf(hash);
    contents.Add(std::string_view(hashes));
  }
  const pqxx::result inserted =
      transaction.exec_prepared("log_insert_tiles", book, levels.literal(), indexes.literal(),
                                roots.literal(), contents.literal());
  if (static_cast<std::size_t>(inserted.affected_rows()) == tiles.size()) return absl::OkStatus();
  return Contradiction("two histories exist: tiles beyond the latest tree head are there already");
}

absl::StatusOr<SignedTreeHead> Extend(pqxx::work& transaction, const std::string& book,
                                      const LogExtension& extension) {
  transaction.exec_prepared("log_lock", book);
  // A statement of its own, so that it sees what the last holder of the lock committed.
  const pqxx::result latest = transaction.exec_prepared("log_latest_head", book);
  const SignedTreeHead& given = extension.head;
  const std::uint64_t size = latest.empty() ? 0 : latest[0][0].as<std::uint64_t>();
  if (size != extension.from_size) {
    if (latest.empty()) return Contradiction("the log's tree heads are gone");
    return ReadHead(given.head.origin, latest[0]);
  }
  FLORIN_RETURN_IF_ERROR(InsertTiles(transaction, book, extension.tiles));
  transaction.exec_prepared("log_insert_head", book, static_cast<std::int64_t>(given.head.size),
                            HexOf(given.head.root), Micros(given.head.time), given.key_id,
                            crypto::Hex(given.signature));
  return given;
}

}  // namespace

std::vector<pg::Statement> PgLogStore::Statements() {
  return {{"log_latest_head", kLatestHead},
          {"log_head_at", kHeadAt},
          {"log_head_at_least", kHeadAtLeast},
          {"log_records", kRecords},
          {"log_record_of", kRecordOf},
          {"log_tiles", kTiles},
          {"log_tile_roots", kTileRoots},
          {"log_backlog", kBacklog},
          {"log_lock", kLock},
          {"log_insert_tiles", kInsertTiles},
          {"log_insert_head", kInsertHead}};
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> PgLogStore::FindHead(
    const char* statement, std::string book, std::optional<std::uint64_t> size) {
  std::function<absl::StatusOr<std::optional<SignedTreeHead>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<SignedTreeHead>> {
    const pqxx::result rows =
        size ? transaction.exec_prepared(statement, book, static_cast<std::int64_t>(*size))
             : transaction.exec_prepared(statement, book);
    if (rows.empty()) return std::nullopt;
    return ReadHead(proof::OriginOf(log_, book), rows[0]);
  };
  co_return co_await pool_.Read<std::optional<SignedTreeHead>>(std::move(work));
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> PgLogStore::LatestHead(std::string book) {
  return FindHead("log_latest_head", std::move(book), std::nullopt);
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> PgLogStore::HeadAt(std::string book,
                                                                       std::uint64_t size) {
  return FindHead("log_head_at", std::move(book), size);
}

Task<absl::StatusOr<std::optional<SignedTreeHead>>> PgLogStore::HeadAtLeast(std::string book,
                                                                            std::uint64_t size) {
  return FindHead("log_head_at_least", std::move(book), size);
}

Task<absl::StatusOr<std::vector<LogRecord>>> PgLogStore::Records(std::string book,
                                                                 std::int64_t after_sequence,
                                                                 int limit) {
  std::function<absl::StatusOr<std::vector<LogRecord>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return ReadRecords(transaction, book, after_sequence, limit);
      };
  co_return co_await pool_.Read<std::vector<LogRecord>>(std::move(work));
}

Task<absl::StatusOr<std::optional<LogRecord>>> PgLogStore::FindRecord(std::string book,
                                                                      Uuid transaction_id) {
  std::function<absl::StatusOr<std::optional<LogRecord>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<LogRecord>> {
    const pqxx::result rows =
        transaction.exec_prepared("log_record_of", book, transaction_id.ToString());
    if (rows.empty()) return std::nullopt;
    return ReadRecord(rows[0]);
  };
  co_return co_await pool_.Read<std::optional<LogRecord>>(std::move(work));
}

Task<absl::StatusOr<std::vector<std::vector<Digest>>>> PgLogStore::Hashes(
    std::string book, std::vector<TilePart> parts) {
  std::function<absl::StatusOr<std::vector<std::vector<Digest>>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) { return ReadParts(transaction, book, parts); };
  co_return co_await pool_.Read<std::vector<std::vector<Digest>>>(std::move(work));
}

Task<absl::StatusOr<SignedTreeHead>> PgLogStore::Append(std::string book, LogExtension extension) {
  std::function<absl::StatusOr<SignedTreeHead>(pqxx::work&)> work = [&](pqxx::work& transaction) {
    return Extend(transaction, book, extension);
  };
  co_return co_await pool_.Transact<SignedTreeHead>(std::move(work));
}

Task<absl::StatusOr<Backlog>> PgLogStore::BacklogAfter(std::string book, std::uint64_t size) {
  std::function<absl::StatusOr<Backlog>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<Backlog> {
    const pqxx::result rows =
        transaction.exec_prepared("log_backlog", book, static_cast<std::int64_t>(size));
    if (rows.empty()) return BookNotFound();
    Backlog backlog{.records = rows[0][0].as<std::int64_t>() - static_cast<std::int64_t>(size)};
    if (backlog.records < 0) return Contradiction("the log covers more than the book has");
    if (!rows[0][1].is_null()) backlog.oldest_commit_time = ReadTime(rows[0][1]);
    return backlog;
  };
  co_return co_await pool_.Read<Backlog>(std::move(work));
}

}  // namespace florin::ledger
