#include "libs/audit/pg_reader.h"

#include <functional>

#include "libs/audit/rows.h"

namespace florin::audit {
namespace {

constexpr char kHead[] =
    "SELECT " FLORIN_AUDIT_HEAD_COLUMNS " FROM audit_heads ORDER BY size DESC LIMIT 1";
constexpr char kHeads[] = "SELECT " FLORIN_AUDIT_HEAD_COLUMNS
                          " FROM audit_heads WHERE size >= $1 AND size <= $2 ORDER BY size";
constexpr char kQuery[] =
    "SELECT " FLORIN_AUDIT_EVENT_COLUMNS
    ", l.number, encode(l.leaf, 'hex') "
    "FROM audit_links AS l JOIN audit_events AS e USING (event_id) "
    "WHERE l.number > $1 "
    "AND ($2::bigint IS NULL "
    "  OR e.event_time >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond') "
    "AND ($3::bigint IS NULL "
    "  OR e.event_time < timestamptz 'epoch' + $3::bigint * interval '1 microsecond') "
    "AND ($4 = '' OR e.subject = $4) AND ($5 = '' OR e.actor = $5) "
    "AND ($6 = '' OR e.action = $6) ORDER BY l.number LIMIT $7";

absl::StatusOr<std::vector<ChainedEvent>> ReadEvents(const pqxx::result& rows) {
  std::vector<ChainedEvent> events;
  events.reserve(static_cast<std::size_t>(rows.size()));
  for (const pqxx::row& row : rows) {
    ChainedEvent chained;
    FLORIN_ASSIGN_OR_RETURN(chained.event, ReadEvent(row));
    chained.number = row[kEventColumns].as<std::uint64_t>();
    FLORIN_ASSIGN_OR_RETURN(const std::vector<merkle::Digest> leaf,
                            ReadDigests(row[kEventColumns + 1]));
    if (leaf.size() != 1) return Inconsistent("a stored leaf is not one hash");
    chained.leaf = leaf[0];
    events.push_back(std::move(chained));
  }
  return events;
}

std::optional<std::int64_t> Micros(const std::optional<absl::Time>& time) {
  if (!time) return std::nullopt;
  return absl::ToUnixMicros(*time);
}

// libpqxx 6 takes a null as a null pointer.
pqxx::result Select(pqxx::transaction_base& transaction, const Filter& filter, std::uint64_t after,
                    int limit) {
  const std::optional<std::int64_t> from = Micros(filter.from);
  const std::optional<std::int64_t> to = Micros(filter.to);
  const std::string from_text = from ? std::to_string(*from) : "";
  const std::string to_text = to ? std::to_string(*to) : "";
  return transaction.exec_prepared(
      "audit_query", static_cast<std::int64_t>(after), from ? from_text.c_str() : nullptr,
      to ? to_text.c_str() : nullptr, filter.subject, filter.actor, filter.action, limit);
}

}  // namespace

std::vector<pg::Statement> PgReader::Statements() {
  return {{"audit_head", kHead}, {"audit_heads", kHeads}, {"audit_query", kQuery}};
}

Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> PgReader::LatestHead() {
  using Found = std::optional<merkle::SignedTreeHead>;
  std::function<absl::StatusOr<Found>(pqxx::transaction_base&)> work =
      [this](pqxx::transaction_base& transaction) -> absl::StatusOr<Found> {
    const pqxx::result rows = transaction.exec_prepared("audit_head");
    if (rows.empty()) return Found();
    FLORIN_ASSIGN_OR_RETURN(Found head, ReadHead(origin_, rows[0]));
    return head;
  };
  co_return co_await pool_.Read<Found>(std::move(work));
}

Task<absl::StatusOr<std::vector<ChainedEvent>>> PgReader::Query(Filter filter, std::uint64_t after,
                                                                int limit) {
  std::function<absl::StatusOr<std::vector<ChainedEvent>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return ReadEvents(Select(transaction, filter, after, limit));
      };
  co_return co_await pool_.Read<std::vector<ChainedEvent>>(std::move(work));
}

Task<absl::StatusOr<Stretch>> PgReader::Read(std::uint64_t after, std::uint64_t until, int limit) {
  std::function<absl::StatusOr<Stretch>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<Stretch> {
    Stretch stretch;
    FLORIN_ASSIGN_OR_RETURN(stretch.events, ReadEvents(Select(transaction, {}, after, limit)));
    while (!stretch.events.empty() && stretch.events.back().number > until)
      stretch.events.pop_back();
    const std::uint64_t last = stretch.events.empty() ? until : stretch.events.back().number;
    for (const pqxx::row& row : transaction.exec_prepared(
             "audit_heads", static_cast<std::int64_t>(after), static_cast<std::int64_t>(last))) {
      FLORIN_ASSIGN_OR_RETURN(merkle::SignedTreeHead head, ReadHead(origin_, row));
      stretch.heads.push_back(std::move(head));
    }
    return stretch;
  };
  co_return co_await pool_.Read<Stretch>(std::move(work));
}

}  // namespace florin::audit
