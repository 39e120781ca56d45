#include "services/payments/store/pg_limit_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "services/payments/store/limit_changes.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

// A limit with all its maxima up to some revision: in the order that ReadLimit expects.
#define FLORIN_LIMITS                                                                    \
  "SELECT l.limit_id, l.scope, l.subject, l.kyc_level, l.currency, l.measure, "          \
  "l.window_seconds, "                                                                   \
  "string_agg(r.maximum::text, ' ' ORDER BY r.revision) FILTER (WHERE NOT r.removed), "  \
  "bool_or(r.removed), (extract(epoch FROM min(r.create_time)) * 1000000)::bigint, "     \
  "(extract(epoch FROM max(r.create_time)) * 1000000)::bigint, coalesce(l.country, '') " \
  "FROM limits AS l JOIN limit_revisions AS r USING (limit_id) "

constexpr char kListLimits[] = FLORIN_LIMITS
    "GROUP BY l.limit_id HAVING NOT bool_or(r.removed) "
    "OR max(r.create_time) >= " FLORIN_TIME("$1::bigint") " ORDER BY l.limit_id";

constexpr char kFindLimits[] =
    FLORIN_LIMITS "WHERE l.limit_id = ANY ($1::uuid[]) GROUP BY l.limit_id ORDER BY l.limit_id";

constexpr char kGetLimit[] =
    FLORIN_LIMITS "WHERE l.limit_id = $1::uuid AND r.revision <= $2::integer GROUP BY l.limit_id";

// Changes are rare: one at a time, so that revisions follow each other and the counts are true.
constexpr char kLockLimits[] = "SELECT pg_advisory_xact_lock(hashtext('payments.limits'))";

constexpr char kFindLimitChange[] =
    "SELECT limit_id, revision, fingerprint = $3::bytea FROM limit_revisions "
    "WHERE user_id = $1::uuid AND idempotency_key = $2";

constexpr char kInsertLimit[] =
    "INSERT INTO limits (limit_id, scope, subject, kyc_level, currency, measure, window_seconds, "
    "country) VALUES ($1::uuid, $2, nullif($3, '')::uuid, nullif($4, ''), $5, $6, "
    "nullif($7::integer, 0), nullif($8, ''))";

constexpr char kInsertRevision[] =
    "INSERT INTO limit_revisions (limit_id, revision, maximum, removed, user_id, "
    "idempotency_key, fingerprint, create_time) SELECT $1::uuid, coalesce(max(revision), 0) + 1, "
    "$2::bigint, $3::boolean, $4::uuid, $5, $6::bytea, " FLORIN_TIME("$7::bigint") " "
    "FROM limit_revisions WHERE limit_id = $1::uuid";

constexpr int kLastRevision = 2'000'000'000;

absl::StatusOr<std::vector<std::int64_t>> ReadMaxima(const char* text) {
  std::vector<std::int64_t> maxima;
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  for (const std::string& word : words) {
    std::int64_t maximum = 0;
    if (!absl::SimpleAtoi(word, &maximum)) {
      return Error(Reason::kInternal, "a limit's maxima are no numbers");
    }
    maxima.push_back(maximum);
  }
  return maxima;
}

absl::StatusOr<Limit> ReadLimit(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const LimitScope scope, ParseLimitScope(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const LimitMeasure measure, ParseLimitMeasure(row[5].c_str()));
  Limit limit{.limit_id = id,
              .scope = scope,
              .country = row[11].c_str(),
              .currency = currency,
              .measure = measure,
              .removed = row[8].as<bool>(),
              .create_time = absl::FromUnixMicros(row[9].as<std::int64_t>()),
              .update_time = absl::FromUnixMicros(row[10].as<std::int64_t>())};
  if (!row[2].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(limit.subject, Uuid::Parse(row[2].c_str()));
  }
  if (!row[3].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(limit.kyc_level, ParseKycLevel(row[3].c_str()));
  }
  if (!row[6].is_null()) limit.window = absl::Seconds(row[6].as<std::int64_t>());
  FLORIN_ASSIGN_OR_RETURN(limit.maxima, ReadMaxima(row[7].c_str()));
  return limit;
}

absl::StatusOr<std::vector<Limit>> ReadLimits(const pqxx::result& rows) {
  std::vector<Limit> limits;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Limit limit, ReadLimit(row));
    limits.push_back(std::move(limit));
  }
  return limits;
}

absl::StatusOr<Limit> Get(pqxx::work& transaction, const std::string& limit_id, int revision) {
  const pqxx::result rows = transaction.exec_prepared("get_limit", limit_id, revision);
  if (rows.empty()) return LimitNotFound();
  return ReadLimit(rows[0]);
}

absl::Status CheckRoom(pqxx::work& transaction, const Limit& limit) {
  FLORIN_ASSIGN_OR_RETURN(
      const std::vector<Limit> limits,
      ReadLimits(transaction.exec_prepared("list_limits", absl::ToUnixMicros(limit.create_time))));
  int all = 0;
  int alike = 0;
  for (const Limit& other : limits) {
    if (other.removed) continue;
    ++all;
    alike += AreAlike(limit, other);
  }
  return all < kMostLimits && alike < kMostLimitsAlike ? absl::OkStatus() : TooManyLimits();
}

void Insert(pqxx::work& transaction, const Limit& limit) {
  const std::int64_t seconds = limit.window ? absl::ToInt64Seconds(*limit.window) : 0;
  transaction.exec_prepared("insert_limit", limit.limit_id.ToString(),
                            std::string(NameOf(limit.scope)),
                            limit.subject ? limit.subject->ToString() : "",
                            limit.kyc_level ? std::string(NameOf(*limit.kyc_level)) : "",
                            std::string(limit.currency.code()), std::string(NameOf(limit.measure)),
                            seconds, limit.country);
}

// The limit as `change` is to leave it, whose row in `limits` is there.
absl::StatusOr<Limit> Next(pqxx::work& transaction, const LimitChange& change) {
  if (change.kind == LimitChange::Kind::kCreate) {
    FLORIN_RETURN_IF_ERROR(CheckRoom(transaction, *change.limit));
    Insert(transaction, *change.limit);
    return *change.limit;
  }
  FLORIN_ASSIGN_OR_RETURN(Limit limit, Get(transaction, change.limit_id.ToString(), kLastRevision));
  if (limit.removed) return LimitNotFound();
  limit.update_time = change.time;
  if (change.kind == LimitChange::Kind::kRemove) {
    limit.removed = true;
  } else {
    if (limit.maxima.size() >= kMostMaxima) return TooManyMaxima();
    limit.maxima.push_back(change.maximum);
  }
  return limit;
}

absl::StatusOr<StoredLimit> Change(pqxx::work& transaction, const LimitChange& change,
                                   std::vector<audit::Event>& events) {
  transaction.exec_prepared("lock_limits");
  const std::string user_id = change.user_id.ToString();
  const std::string fingerprint = ByteaOf(crypto::AsOctets(change.fingerprint));
  const pqxx::result known =
      transaction.exec_prepared("find_limit_change", user_id, change.idempotency_key, fingerprint);
  if (!known.empty()) {
    FLORIN_ASSIGN_OR_RETURN(Limit limit,
                            Get(transaction, known[0][0].c_str(), known[0][1].as<int>()));
    return StoredLimit{
        .limit = std::move(limit), .same_request = known[0][2].as<bool>(), .replayed = true};
  }
  FLORIN_ASSIGN_OR_RETURN(Limit limit, Next(transaction, change));
  transaction.exec_prepared("insert_limit_revision", limit.limit_id.ToString(), limit.maximum(),
                            limit.removed, user_id, change.idempotency_key, fingerprint,
                            absl::ToUnixMicros(change.time));
  events.push_back(EventOf(change, limit));
  return StoredLimit{.limit = std::move(limit), .same_request = true};
}

}  // namespace

std::vector<pg::Statement> PgLimitStore::Statements() {
  return {{"list_limits", kListLimits},
          {"find_limits", kFindLimits},
          {"get_limit", kGetLimit},
          {"lock_limits", kLockLimits},
          {"find_limit_change", kFindLimitChange},
          {"insert_limit", kInsertLimit},
          {"insert_limit_revision", kInsertRevision}};
}

Task<absl::StatusOr<StoredLimit>> PgLimitStore::ChangeLimit(LimitChange change) {
  std::function<absl::StatusOr<StoredLimit>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&change](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Change(transaction, change, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<Limit>>> PgLimitStore::ListLimits(absl::Time now) {
  std::function<absl::StatusOr<std::vector<Limit>>(pqxx::transaction_base&)> work =
      [now](pqxx::transaction_base& transaction) {
        return ReadLimits(
            transaction.exec_prepared("list_limits", absl::ToUnixMicros(now - kRemovedLimitsStay)));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Limit>>> PgLimitStore::FindLimits(std::vector<Uuid> limit_ids) {
  pg::Array ids;
  for (const Uuid& id : limit_ids) ids.Add(id);
  std::function<absl::StatusOr<std::vector<Limit>>(pqxx::transaction_base&)> work =
      [&ids](pqxx::transaction_base& transaction) {
        return ReadLimits(transaction.exec_prepared("find_limits", ids.literal()));
      };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
