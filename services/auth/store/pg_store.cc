#include "services/auth/store/pg_store.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/strings/escaping.h"
#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

// The columns of a user, in the order that ReadUser expects.
#define FLORIN_USER_COLUMNS               \
  "u.user_id, u.email, u.password_hash, " \
  "(extract(epoch FROM u.create_time) * 1000000)::bigint"
constexpr int kUserColumns = 4;

constexpr char kInsertRegistration[] =
    "INSERT INTO registrations (idempotency_key, fingerprint) VALUES ($1, decode($2, 'hex')) "
    "ON CONFLICT (idempotency_key) DO NOTHING";

constexpr char kInsertUser[] =
    "INSERT INTO users (user_id, email, password_hash, create_time, idempotency_key) "
    "VALUES ($1::uuid, $2, $3, timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5) "
    "ON CONFLICT (email) DO NOTHING";

constexpr char kFindRegistration[] =
    "SELECT " FLORIN_USER_COLUMNS
    ", encode(r.fingerprint, 'hex') "
    "FROM registrations AS r LEFT JOIN users AS u USING (idempotency_key) "
    "WHERE r.idempotency_key = $1";

constexpr char kFindUserByEmail[] =
    "SELECT " FLORIN_USER_COLUMNS " FROM users AS u WHERE u.email = $1";

constexpr char kReplacePasswordHash[] =
    "UPDATE users SET password_hash = $3 WHERE user_id = $1::uuid AND password_hash = $2";

absl::StatusOr<User> ReadUser(const pqxx::row& row) {
  User user;
  FLORIN_ASSIGN_OR_RETURN(user.user_id, Uuid::Parse(row[0].c_str()));
  user.email = row[1].c_str();
  user.password_hash = row[2].c_str();
  user.create_time = absl::FromUnixMicros(row[3].as<std::int64_t>());
  return user;
}

absl::StatusOr<std::optional<Registered>> FindIn(pqxx::transaction_base& transaction,
                                                 const std::string& idempotency_key) {
  const pqxx::result rows = transaction.exec_prepared("find_registration", idempotency_key);
  if (rows.empty()) return std::nullopt;
  Registered registered;
  const std::string fingerprint = absl::HexStringToBytes(rows[0][kUserColumns].c_str());
  FLORIN_CHECK(fingerprint.size() == registered.fingerprint.size(), "a CHECK of the table");
  std::copy(fingerprint.begin(), fingerprint.end(), registered.fingerprint.begin());
  if (!rows[0][0].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(registered.user, ReadUser(rows[0]));
  }
  return registered;
}

audit::Event Refused(audit::Event event) {
  event = audit::Refuse(std::move(event), Reason::kEmailTaken);
  event.subject.clear();  // Nobody was made.
  event.actor.clear();
  return event;
}

// Both inserts wait for a concurrent transaction under the same key or e-mail and then see what it
// did.
absl::StatusOr<Registered> RegisterIn(pqxx::work& transaction, const Registration& registration) {
  const User& user = registration.user;
  const std::string& key = registration.idempotency_key;
  const pqxx::result first = transaction.exec_prepared(
      "insert_registration", key, crypto::Hex(crypto::AsOctets(registration.fingerprint)));
  if (first.affected_rows() == 1) {
    const pqxx::result made =
        transaction.exec_prepared("insert_user", user.user_id.ToString(), user.email,
                                  user.password_hash, absl::ToUnixMicros(user.create_time), key);
    const bool taken = made.affected_rows() == 0;
    audit::Insert(transaction, {taken ? Refused(registration.event) : registration.event});
  }
  FLORIN_ASSIGN_OR_RETURN(std::optional<Registered> registered, FindIn(transaction, key));
  FLORIN_CHECK(registered.has_value(), "a registration under this key was just inserted or found");
  // By id, since after a lost COMMIT this runs again and finds its own rows.
  registered->created = registered->user && registered->user->user_id == user.user_id;
  return *std::move(registered);
}

}  // namespace

std::vector<pg::Statement> PgStore::Statements() {
  return {{"insert_registration", kInsertRegistration},
          {"insert_user", kInsertUser},
          {"find_registration", kFindRegistration},
          {"find_user_by_email", kFindUserByEmail},
          {"replace_password_hash", kReplacePasswordHash}};
}

Task<absl::StatusOr<Registered>> PgStore::Register(Registration registration) {
  std::function<absl::StatusOr<Registered>(pqxx::work&)> work =
      [&registration](pqxx::work& transaction) { return RegisterIn(transaction, registration); };
  absl::StatusOr<Registered> registered = co_await pool_.Transact<Registered>(std::move(work));
  if (!registered.ok()) co_return registered.status();
  if (registered->created) audit::CountEvent(registration.event);
  if (!registered->user) audit::CountEvent(Refused(registration.event));
  co_return registered;
}

Task<absl::StatusOr<std::optional<Registered>>> PgStore::FindRegistration(
    std::string idempotency_key) {
  return pool_.Read<std::optional<Registered>>(
      [key = std::move(idempotency_key)](pqxx::transaction_base& transaction) {
        return FindIn(transaction, key);
      });
}

Task<absl::StatusOr<std::optional<User>>> PgStore::FindUserByEmail(std::string email) {
  return pool_.Read<std::optional<User>>(
      [email = std::move(email)](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<User>> {
        const pqxx::result rows = transaction.exec_prepared("find_user_by_email", email);
        if (rows.empty()) return std::nullopt;
        FLORIN_ASSIGN_OR_RETURN(User user, ReadUser(rows[0]));
        return user;
      });
}

Task<absl::StatusOr<bool>> PgStore::ReplacePasswordHash(Uuid user_id, std::string current,
                                                        std::string replacement) {
  return pool_.Transact<bool>(
      [user_id, current = std::move(current),
       replacement = std::move(replacement)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        const pqxx::result result = transaction.exec_prepared(
            "replace_password_hash", user_id.ToString(), current, replacement);
        return result.affected_rows() == 1;
      });
}

}  // namespace florin::auth
