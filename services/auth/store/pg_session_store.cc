#include "services/auth/store/pg_session_store.h"

#include <cstdint>
#include <utility>

#include "libs/audit/pg_audit.h"
namespace florin::auth {
namespace {

#define FLORIN_TIME(n) "timestamptz 'epoch' + $" #n "::bigint * interval '1 microsecond'"
#define FLORIN_MICROS(column) "(extract(epoch FROM " #column ") * 1000000)::bigint"
// The columns of a session, in the order that ReadSession expects.
#define FLORIN_SESSION_COLUMNS                                                   \
  "session_id, user_id, proofs, " FLORIN_MICROS(create_time) ", " FLORIN_MICROS( \
      auth_time) ", " FLORIN_MICROS(active_time) ", client_address, user_agent"

constexpr char kForgetSessions[] =
    "DELETE FROM sessions WHERE user_id = $1::uuid AND auth_time < " FLORIN_TIME(2);

constexpr char kInsertSession[] =
    "INSERT INTO sessions (session_id, user_id, secret_hash, proofs, create_time, auth_time, "
    "active_time, client_address, user_agent) "
    "VALUES ($1::uuid, $2::uuid, decode($3, 'hex'), $4, " FLORIN_TIME(5) ", " FLORIN_TIME(
        6) ", " FLORIN_TIME(7) ", $8, $9) ON CONFLICT (session_id) DO NOTHING";

constexpr char kFindSession[] =
    "SELECT " FLORIN_SESSION_COLUMNS " FROM sessions WHERE secret_hash = decode($1, 'hex')";

// By id as well, so that after a lost COMMIT this runs again and finds its own row.
constexpr char kRenewSession[] =
    "UPDATE sessions SET secret_hash = decode($2, 'hex'), proofs = $4, auth_time = " FLORIN_TIME(
        5) ", active_time = " FLORIN_TIME(6) ", client_address = $7, user_agent = $8 "
    "WHERE session_id = $3::uuid "
    "AND secret_hash IN (decode($1, 'hex'), decode($2, 'hex'))";

constexpr char kTouchSession[] =
    "UPDATE sessions SET active_time = greatest(active_time, " FLORIN_TIME(
        2) ") WHERE secret_hash = decode($1, 'hex')";

constexpr char kListSessions[] =
    "SELECT " FLORIN_SESSION_COLUMNS
    " FROM sessions WHERE user_id = $1::uuid ORDER BY active_time DESC, session_id";

constexpr char kEndSession[] =
    "DELETE FROM sessions WHERE user_id = $1::uuid AND session_id = $2::uuid";

constexpr char kEndOtherSessions[] =
    "DELETE FROM sessions WHERE user_id = $1::uuid AND session_id <> $2::uuid";

std::string HexOf(const crypto::Digest& digest) { return crypto::Hex(crypto::AsOctets(digest)); }

absl::StatusOr<Session> ReadSession(const pqxx::row& row) {
  Session session;
  FLORIN_ASSIGN_OR_RETURN(session.session_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(session.user_id, Uuid::Parse(row[1].c_str()));
  session.proofs = Proofs::FromBits(static_cast<std::uint8_t>(row[2].as<int>()));
  session.create_time = absl::FromUnixMicros(row[3].as<std::int64_t>());
  session.auth_time = absl::FromUnixMicros(row[4].as<std::int64_t>());
  session.active_time = absl::FromUnixMicros(row[5].as<std::int64_t>());
  session.client_address = row[6].c_str();
  session.user_agent = row[7].c_str();
  return session;
}

}  // namespace

std::vector<pg::Statement> PgSessionStore::Statements() {
  return {{"forget_sessions", kForgetSessions}, {"insert_session", kInsertSession},
          {"find_session", kFindSession},       {"renew_session", kRenewSession},
          {"touch_session", kTouchSession},     {"list_sessions", kListSessions},
          {"end_session", kEndSession},         {"end_other_sessions", kEndOtherSessions}};
}

Task<absl::StatusOr<bool>> PgSessionStore::Insert(Session session, crypto::Digest secret,
                                                  absl::Time forget_before, audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [session = std::move(session), secret,
       forget_before](pqxx::work& transaction) -> absl::StatusOr<bool> {
        transaction.exec_prepared("forget_sessions", session.user_id.ToString(),
                                  absl::ToUnixMicros(forget_before));
        transaction.exec_prepared(
            "insert_session", session.session_id.ToString(), session.user_id.ToString(),
            HexOf(secret), static_cast<int>(session.proofs.bits()),
            absl::ToUnixMicros(session.create_time), absl::ToUnixMicros(session.auth_time),
            absl::ToUnixMicros(session.active_time), session.client_address, session.user_agent);
        return true;
      });
}

Task<absl::StatusOr<std::optional<Session>>> PgSessionStore::Find(crypto::Digest secret) {
  return pool_.Read<std::optional<Session>>(
      [secret](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<Session>> {
        const pqxx::result rows = transaction.exec_prepared("find_session", HexOf(secret));
        if (rows.empty()) return std::nullopt;
        FLORIN_ASSIGN_OR_RETURN(Session session, ReadSession(rows[0]));
        return session;
      });
}

Task<absl::StatusOr<bool>> PgSessionStore::Renew(crypto::Digest current, crypto::Digest replacement,
                                                 Session session) {
  return pool_.Transact<bool>([current, replacement, session = std::move(session)](
                                  pqxx::work& transaction) -> absl::StatusOr<bool> {
    const pqxx::result result = transaction.exec_prepared(
        "renew_session", HexOf(current), HexOf(replacement), session.session_id.ToString(),
        static_cast<int>(session.proofs.bits()), absl::ToUnixMicros(session.auth_time),
        absl::ToUnixMicros(session.active_time), session.client_address, session.user_agent);
    return result.affected_rows() == 1;
  });
}

Task<absl::StatusOr<bool>> PgSessionStore::Touch(crypto::Digest secret, absl::Time now) {
  return pool_.Transact<bool>([secret, now](pqxx::work& transaction) -> absl::StatusOr<bool> {
    const pqxx::result result =
        transaction.exec_prepared("touch_session", HexOf(secret), absl::ToUnixMicros(now));
    return result.affected_rows() == 1;
  });
}

Task<absl::StatusOr<std::vector<Session>>> PgSessionStore::List(Uuid user_id) {
  return pool_.Read<std::vector<Session>>(
      [user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Session>> {
        std::vector<Session> sessions;
        const pqxx::result rows = transaction.exec_prepared("list_sessions", user_id.ToString());
        for (const pqxx::row& row : rows) {
          FLORIN_ASSIGN_OR_RETURN(Session session, ReadSession(row));
          sessions.push_back(std::move(session));
        }
        return sessions;
      });
}

Task<absl::StatusOr<bool>> PgSessionStore::End(Uuid user_id, Uuid session_id, audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [user_id, session_id](pqxx::work& transaction) -> absl::StatusOr<bool> {
        const pqxx::result result =
            transaction.exec_prepared("end_session", user_id.ToString(), session_id.ToString());
        return result.affected_rows() == 1;
      });
}

Task<absl::StatusOr<int>> PgSessionStore::EndOthers(Uuid user_id, std::optional<Uuid> but,
                                                    audit::Event event) {
  return audit::TransactWith<int>(
      pool_, std::move(event), [user_id, but](pqxx::work& transaction) -> absl::StatusOr<int> {
        // No session has the nil id.
        const pqxx::result result = transaction.exec_prepared(
            "end_other_sessions", user_id.ToString(), but.value_or(Uuid()).ToString());
        return static_cast<int>(result.affected_rows());
      });
}

}  // namespace florin::auth
