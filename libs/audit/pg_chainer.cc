#include "libs/audit/pg_chainer.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/audit/rows.h"
#include "libs/clock/microseconds.h"
#include "libs/merkle/merkle.h"
#include "libs/merkle/tree_head.h"
#include "libs/pg/array.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::audit {
namespace {

constexpr char kLock[] =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('florin.audit.' || current_schema(), 0))";
constexpr char kLatestHead[] =
    "SELECT " FLORIN_AUDIT_HEAD_COLUMNS " FROM audit_heads ORDER BY size DESC LIMIT 1";
// The last leaf, and where it stands in the order of events.
constexpr char kLastLink[] =
    "SELECT l.number, e.xid::text, e.event_id FROM audit_links AS l "
    "JOIN audit_events AS e USING (event_id) ORDER BY l.number DESC LIMIT 1";
constexpr char kWaiting[] =
    "SELECT " FLORIN_AUDIT_EVENT_COLUMNS
    " FROM audit_events AS e "
    "WHERE (e.xid, e.event_id) > ($1::text::xid8, $2::uuid) "
    "AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY e.xid, e.event_id LIMIT $3";
constexpr char kInsertLinks[] =
    "INSERT INTO audit_links (number, event_id, leaf) "
    "SELECT n.number, n.event_id, decode(n.leaf, 'hex') "
    "FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS n (number, event_id, leaf)";
constexpr char kInsertHead[] =
    "INSERT INTO audit_heads (size, root, frontier, signed_at, key_id, signature) VALUES "
    "($1, decode($2, 'hex'), decode($3, 'hex'), "
    "timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5, decode($6, 'hex'))";
constexpr char kBacklog[] =
    "SELECT (extract(epoch FROM min(event_time)) * 1000000)::bigint FROM audit_events "
    "WHERE (xid, event_id) > ($1::text::xid8, $2::uuid)";

// Where the log stands.
struct Position {
  std::uint64_t size = 0;
  std::string xid = "0";
  std::string event_id = Uuid().ToString();
};

Position ReadPosition(pqxx::transaction_base& transaction) {
  const pqxx::result rows = transaction.exec_prepared("audit_last_link");
  if (rows.empty()) return {};
  return {.size = rows[0][0].as<std::uint64_t>(),
          .xid = rows[0][1].c_str(),
          .event_id = rows[0][2].c_str()};
}

struct Tree {
  std::optional<merkle::SignedTreeHead> head;
  merkle::Frontier frontier;
};

absl::StatusOr<Tree> ReadTree(pqxx::transaction_base& transaction, const std::string& origin,
                              const crypto::SignerKey& key) {
  Tree tree;
  const pqxx::result rows = transaction.exec_prepared("audit_latest_head");
  if (rows.empty()) return tree;
  FLORIN_ASSIGN_OR_RETURN(tree.head, ReadHead(origin, rows[0]));
  FLORIN_ASSIGN_OR_RETURN(std::vector<merkle::Digest> digests, ReadDigests(rows[0][5]));
  auto frontier = merkle::Frontier::Restore(tree.head->head.size, std::move(digests));
  if (!frontier.ok() || frontier->Root() != tree.head->head.root) {
    return Inconsistent(
        absl::StrCat("the head of size ", tree.head->head.size, " does not fit its frontier"));
  }
  // One of an earlier key is for florin-audit-verify.
  if (tree.head->key_id == key.key_id() && !merkle::Verify(*tree.head, key)) {
    return Inconsistent(absl::StrCat("the head of size ", tree.head->head.size,
                                     " is not what was signed, or of another origin"));
  }
  tree.frontier = *std::move(frontier);
  return tree;
}

// Appends the events to the tree and stores their links.
absl::Status Link(pqxx::transaction_base& transaction, const pqxx::result& rows, Tree& tree) {
  pg::Array numbers;
  pg::Array ids;
  pg::Array leaves;
  for (const pqxx::row& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(const Event event, ReadEvent(row));
    const merkle::Digest leaf = merkle::LeafHash(EncodeEvent(event));
    tree.frontier.Append(leaf);
    numbers.Add(static_cast<std::int64_t>(tree.frontier.size()));
    ids.Add(event.event_id);
    leaves.Add(crypto::Hex(crypto::AsOctets(leaf)));
  }
  transaction.exec_prepared("audit_insert_links", numbers.literal(), ids.literal(),
                            leaves.literal());
  return absl::OkStatus();
}

}  // namespace

std::vector<pg::Statement> ChainStatements() {
  return {{"audit_lock", kLock},
          {"audit_latest_head", kLatestHead},
          {"audit_last_link", kLastLink},
          {"audit_waiting", kWaiting},
          {"audit_insert_links", kInsertLinks},
          {"audit_insert_head", kInsertHead},
          {"audit_backlog", kBacklog}};
}

std::string OriginOf(const std::string& log, const std::string& service) {
  return log + "/audit/" + service;
}

PgChainer::PgChainer(pg::Pool& pool, crypto::Signer& signer, Clock& clock, std::string origin,
                     ChainLimits limits)
    : pool_(pool), signer_(signer), clock_(clock), origin_(std::move(origin)), limits_(limits) {}

Task<absl::Status> PgChainer::RunOnce() {
  absl::Status status = co_await ChainAll();
  const bool inconsistent = ReasonOf(status) == Reason::kAuditInconsistent;
  telemetry::SetGauge("florin_audit_log_inconsistent", {}, inconsistent ? 1 : 0);
  if (!status.ok()) {
    telemetry::Log(inconsistent ? telemetry::Severity::kError : telemetry::Severity::kWarning,
                   "the audit trail is not chained", {{"error", std::string(status.message())}});
  }
  const absl::Status reported = co_await Report();
  status.Update(reported);
  co_return status;
}

Task<absl::Status> PgChainer::ChainAll() {
  for (int i = 0; i < limits_.chunks; ++i) {
    std::function<absl::StatusOr<int>(pqxx::work&)> work = [this](pqxx::work& transaction) {
      return ChainChunk(transaction);
    };
    FLORIN_CO_ASSIGN_OR_RETURN(const int chained, co_await pool_.Transact<int>(std::move(work)));
    if (chained < limits_.chunk_events) break;
  }
  co_return absl::OkStatus();
}

// The lock is the transaction's, so what its holder before has committed is seen. A head that was
// signed and then not committed is the beginning of the one that is signed next: the order of
// events is fixed, and what was finished stays finished.
absl::StatusOr<int> PgChainer::ChainChunk(pqxx::work& transaction) {
  if (!transaction.exec_prepared("audit_lock")[0][0].as<bool>()) return 0;
  FLORIN_ASSIGN_OR_RETURN(Tree tree, ReadTree(transaction, origin_, signer_.public_key()));
  const Position position = ReadPosition(transaction);
  if (position.size != tree.frontier.size()) {
    return Inconsistent(absl::StrCat("the latest head has size ", tree.frontier.size(),
                                     ", the last leaf is number ", position.size));
  }
  const pqxx::result rows = transaction.exec_prepared("audit_waiting", position.xid,
                                                      position.event_id, limits_.chunk_events);
  if (rows.empty()) return 0;
  FLORIN_RETURN_IF_ERROR(Link(transaction, rows, tree));
  absl::Time time = InMicroseconds(clock_.Now());
  if (tree.head) time = std::max(time, tree.head->head.time + absl::Microseconds(1));
  const merkle::TreeHead head{
      .origin = origin_, .size = tree.frontier.size(), .root = tree.frontier.Root(), .time = time};
  FLORIN_ASSIGN_OR_RETURN(const merkle::SignedTreeHead sealed, merkle::Sign(head, signer_));
  transaction.exec_prepared("audit_insert_head", static_cast<std::int64_t>(head.size),
                            HexOf({head.root}), HexOf(tree.frontier.Digests()),
                            absl::ToUnixMicros(time), sealed.key_id, crypto::Hex(sealed.signature));
  return static_cast<int>(rows.size());
}

Task<absl::Status> PgChainer::Report() {
  std::function<absl::StatusOr<bool>(pqxx::transaction_base&)> work =
      [this](pqxx::transaction_base& transaction) -> absl::StatusOr<bool> {
    const Position position = ReadPosition(transaction);
    const pqxx::result rows =
        transaction.exec_prepared("audit_backlog", position.xid, position.event_id);
    absl::Duration age;
    if (!rows[0][0].is_null()) {
      age = clock_.Now() - absl::FromUnixMicros(rows[0][0].as<std::int64_t>());
    }
    telemetry::SetGauge("florin_audit_log_size", {}, static_cast<double>(position.size));
    telemetry::SetGauge("florin_audit_unchained_age_seconds", {},
                        std::max(absl::ToDoubleSeconds(age), 0.0));
    return true;
  };
  const absl::StatusOr<bool> reported = co_await pool_.Read<bool>(std::move(work));
  co_return reported.status();
}

}  // namespace florin::audit
