#include "services/auth/store/pg_login_store.h"

#include <cstdint>
#include <utility>

namespace florin::auth {
namespace {

#define FLORIN_TIME_OR_NULL(n) \
  "timestamptz 'epoch' + nullif($" #n "::bigint, 0) * interval '1 microsecond'"
#define FLORIN_TIME(n) "timestamptz 'epoch' + $" #n "::bigint * interval '1 microsecond'"

constexpr char kForgetLogins[] =
    "DELETE FROM logins WHERE secret_hash IN (SELECT secret_hash FROM logins "
    "WHERE create_time < " FLORIN_TIME(1) " LIMIT 20 FOR UPDATE SKIP LOCKED)";

constexpr char kInsertLogin[] =
    "INSERT INTO logins (secret_hash, step, user_id, proofs, auth_time, demand, request_uri, "
    "client_id, ceremony, create_time) VALUES (decode($1, 'hex'), $2, nullif($3, '')::uuid, "
    "$4, " FLORIN_TIME_OR_NULL(5) ", $6, $7, $8, $9, " FLORIN_TIME(10) ") ON CONFLICT DO NOTHING";

constexpr char kFindLogin[] =
    "SELECT step, user_id, proofs, (extract(epoch FROM auth_time) * 1000000)::bigint, demand, "
    "request_uri, client_id, ceremony, (extract(epoch FROM create_time) * 1000000)::bigint "
    "FROM logins WHERE secret_hash = decode($1, 'hex')";

// By both, so that after a lost COMMIT this runs again and finds its own row.
constexpr char kReplaceLogin[] =
    "UPDATE logins SET secret_hash = decode($2, 'hex'), step = $3, "
    "user_id = nullif($4, '')::uuid, proofs = $5, auth_time = " FLORIN_TIME_OR_NULL(6)
    ", demand = $7, request_uri = $8, client_id = $9, ceremony = $10 "
    "WHERE secret_hash IN (decode($1, 'hex'), decode($2, 'hex'))";

constexpr char kNoteCeremony[] =
    "UPDATE logins SET ceremony = $2 WHERE secret_hash = decode($1, 'hex')";

constexpr char kRemoveLogin[] = "DELETE FROM logins WHERE secret_hash = decode($1, 'hex')";

// A login's time is never the epoch, so zero can stand for none.
std::int64_t MicrosOf(const std::optional<absl::Time>& time) {
  return time ? absl::ToUnixMicros(*time) : 0;
}

std::string HexOf(const crypto::Digest& digest) { return crypto::Hex(crypto::AsOctets(digest)); }
std::string UserOf(const Login& login) { return login.user_id ? login.user_id->ToString() : ""; }

absl::StatusOr<Login> ReadLogin(const pqxx::row& row) {
  Login login;
  login.step = static_cast<LoginStep>(row[0].as<int>());
  if (!row[1].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(login.user_id, Uuid::Parse(row[1].c_str()));
  }
  login.proofs = Proofs::FromBits(static_cast<std::uint8_t>(row[2].as<int>()));
  if (!row[3].is_null()) login.auth_time = absl::FromUnixMicros(row[3].as<std::int64_t>());
  login.demand = static_cast<Strength>(row[4].as<int>());
  login.request_uri = row[5].c_str();
  login.client_id = row[6].c_str();
  login.ceremony = row[7].c_str();
  login.create_time = absl::FromUnixMicros(row[8].as<std::int64_t>());
  return login;
}

}  // namespace

std::vector<pg::Statement> PgLoginStore::Statements() {
  return {{"forget_logins", kForgetLogins}, {"insert_login", kInsertLogin},
          {"find_login", kFindLogin},       {"replace_login", kReplaceLogin},
          {"note_ceremony", kNoteCeremony}, {"remove_login", kRemoveLogin}};
}

Task<absl::StatusOr<bool>> PgLoginStore::Insert(Login login, crypto::Digest secret,
                                                absl::Time forget_before) {
  return pool_.Transact<bool>([login = std::move(login), secret,
                               forget_before](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("forget_logins", absl::ToUnixMicros(forget_before));
    transaction.exec_prepared("insert_login", HexOf(secret), static_cast<int>(login.step),
                              UserOf(login), static_cast<int>(login.proofs.bits()),
                              MicrosOf(login.auth_time), static_cast<int>(login.demand),
                              login.request_uri, login.client_id, login.ceremony,
                              absl::ToUnixMicros(login.create_time));
    return true;
  });
}

Task<absl::StatusOr<std::optional<Login>>> PgLoginStore::Find(crypto::Digest secret) {
  return pool_.Read<std::optional<Login>>(
      [secret](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<Login>> {
        const pqxx::result rows = transaction.exec_prepared("find_login", HexOf(secret));
        if (rows.empty()) return std::nullopt;
        FLORIN_ASSIGN_OR_RETURN(Login login, ReadLogin(rows[0]));
        return login;
      });
}

Task<absl::StatusOr<bool>> PgLoginStore::Replace(crypto::Digest current, crypto::Digest replacement,
                                                 Login login) {
  return pool_.Transact<bool>([current, replacement, login = std::move(login)](
                                  pqxx::work& transaction) -> absl::StatusOr<bool> {
    const pqxx::result result = transaction.exec_prepared(
        "replace_login", HexOf(current), HexOf(replacement), static_cast<int>(login.step),
        UserOf(login), static_cast<int>(login.proofs.bits()), MicrosOf(login.auth_time),
        static_cast<int>(login.demand), login.request_uri, login.client_id, login.ceremony);
    return result.affected_rows() == 1;
  });
}

Task<absl::StatusOr<bool>> PgLoginStore::NoteCeremony(crypto::Digest secret, std::string ceremony) {
  return pool_.Transact<bool>([secret, ceremony = std::move(ceremony)](
                                  pqxx::work& transaction) -> absl::StatusOr<bool> {
    return transaction.exec_prepared("note_ceremony", HexOf(secret), ceremony).affected_rows() == 1;
  });
}

Task<absl::StatusOr<bool>> PgLoginStore::Remove(crypto::Digest secret) {
  return pool_.Transact<bool>([secret](pqxx::work& transaction) -> absl::StatusOr<bool> {
    return transaction.exec_prepared("remove_login", HexOf(secret)).affected_rows() == 1;
  });
}

}  // namespace florin::auth
