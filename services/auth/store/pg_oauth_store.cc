#include "services/auth/store/pg_oauth_store.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/strings/escaping.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

#define FLORIN_TIME(parameter) \
  "(timestamptz 'epoch' + " parameter "::bigint * interval '1 microsecond')"
#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

// The columns of what ReadClient and the others read, in their order.
#define FLORIN_CLIENT                                                                     \
  "client_id, confidential, client_name, redirect_uris, auth_method, jwks, "              \
  "certificate_thumbprint, grant_types, scopes, dpop_bound, require_mtls, cors_origins, " \
  "first_party, " FLORIN_MICROS("create_time") ", " FLORIN_MICROS("disable_time")
#define FLORIN_REQUEST                                                          \
  "encode(request_uri, 'hex'), client_id, redirect_uri, scopes, state, nonce, " \
  "code_challenge, prompt, max_age_seconds, login_hint, acr_values, "           \
  "key_thumbprint, " FLORIN_MICROS("expires_at")
#define FLORIN_GRANT \
  "grant_id, client_id, user_id, session_id, " FLORIN_MICROS("auth_time")                     \
  ", acr, amr, scopes, nonce, " FLORIN_MICROS("create_time") ", " FLORIN_MICROS("revoke_time")
#define FLORIN_REFRESH                                                                      \
  "encode(token, 'hex'), grant_id, key_thumbprint, certificate_thumbprint, " FLORIN_MICROS( \
      "used_at") ", " FLORIN_MICROS("expires_at") ", " FLORIN_MICROS("replaced_at")

// At most $2 rows that expired by $1.
#define FLORIN_DELETE(table, key, column)                                                 \
  "DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table " WHERE " column \
  " <= " FLORIN_TIME("$1") " ORDER BY " column " LIMIT $2)"

const pg::Statement kStatements[] = {
    {"oauth_insert_client",
     "INSERT INTO oauth_clients (client_id, confidential, client_name, redirect_uris, auth_method, "
     "jwks, certificate_thumbprint, grant_types, scopes, dpop_bound, require_mtls, cors_origins, "
     "first_party, create_time) VALUES ($1, $2, $3, $4::text[], $5, $6, $7, $8::text[], "
     "$9::text[], $10, $11, $12::text[], $13, " FLORIN_TIME(
         "$14") ") ON CONFLICT (client_id) DO NOTHING"},
    {"oauth_find_client", "SELECT " FLORIN_CLIENT " FROM oauth_clients WHERE client_id = $1"},
    {"oauth_list_clients", "SELECT " FLORIN_CLIENT
                           " FROM oauth_clients WHERE client_id > $1 ORDER BY client_id LIMIT $2"},
    {"oauth_list_origins",
     "SELECT DISTINCT unnest(cors_origins) COLLATE \"C\" AS origin FROM oauth_clients "
     "WHERE disable_time IS NULL ORDER BY origin"},
    {"oauth_disable_client", "UPDATE oauth_clients SET disable_time = " FLORIN_TIME(
                                 "$2") " WHERE client_id = $1 AND disable_time IS NULL"},
    {"oauth_insert_assertion",
     "INSERT INTO oauth_assertions (client_id, jti, attempt, expires_at) VALUES ($1, "
     "decode($2, 'hex'), $3::uuid, " FLORIN_TIME("$4") ") ON CONFLICT (client_id, jti) DO NOTHING"},
    {"oauth_find_assertion",
     "SELECT attempt FROM oauth_assertions WHERE client_id = $1 AND jti = decode($2, 'hex')"},
    {"oauth_insert_request",
     "INSERT INTO oauth_requests (request_uri, client_id, redirect_uri, scopes, state, nonce, "
     "code_challenge, prompt, max_age_seconds, login_hint, acr_values, key_thumbprint, expires_at) "
     "VALUES (decode($1, 'hex'), $2, $3, $4::text[], $5, $6, $7, $8::text[], "
     "nullif($9::bigint, -1), $10, $11::text[], $12, " FLORIN_TIME(
         "$13") ") ON CONFLICT (request_uri) DO NOTHING"},
    {"oauth_find_request",
     "SELECT " FLORIN_REQUEST
     " FROM oauth_requests WHERE request_uri = decode($1, 'hex') AND client_id = $2 "
     "AND used_by IS NULL AND expires_at > " FLORIN_TIME("$3")},
    {"oauth_hold_request",
     "UPDATE oauth_requests SET expires_at = greatest(expires_at, " FLORIN_TIME(
         "$4") ") "
               "WHERE request_uri = decode($1, 'hex') AND client_id = $2 AND used_by IS NULL "
               "AND expires_at > " FLORIN_TIME("$3")},
    {"oauth_use_request",
     "UPDATE oauth_requests SET used_by = $3::uuid WHERE request_uri = decode($1, 'hex') "
     "AND client_id = $2 AND (used_by IS NULL OR used_by = $3::uuid) AND expires_at > " FLORIN_TIME(
         "$4")},
    {"oauth_find_consent",
     "SELECT scopes, " FLORIN_MICROS(
         "record_time") " FROM oauth_consents WHERE user_id = $1::uuid AND client_id = $2"},
    {"oauth_record_consent",
     "INSERT INTO oauth_consents AS c (user_id, client_id, scopes, record_time) VALUES ($1::uuid, "
     "$2, (SELECT array_agg(DISTINCT s COLLATE \"C\" ORDER BY s COLLATE \"C\") FROM "
     "unnest($3::text[]) AS s), " FLORIN_TIME(
         "$4") ") ON CONFLICT (user_id, client_id) DO UPDATE SET record_time = "
               "excluded.record_time, "
               "scopes = (SELECT array_agg(DISTINCT s COLLATE \"C\" ORDER BY s COLLATE \"C\") FROM "
               "unnest(c.scopes || excluded.scopes) AS s)"},
    {"oauth_delete_consent",
     "DELETE FROM oauth_consents WHERE user_id = $1::uuid AND client_id = $2"},
    {"oauth_insert_grant",
     "INSERT INTO oauth_grants (grant_id, client_id, user_id, session_id, auth_time, acr, amr, "
     "scopes, nonce, create_time) VALUES ($1::uuid, $2, $3::uuid, $4, " FLORIN_TIME(
         "$5") ", $6, $7::text[], $8::text[], $9, " FLORIN_TIME("$10") ") ON CONFLICT (grant_id) "
                                                                       "DO NOTHING"},
    {"oauth_find_grant", "SELECT " FLORIN_GRANT " FROM oauth_grants WHERE grant_id = $1::uuid"},
    {"oauth_lock_grant",
     "SELECT revoke_time IS NOT NULL FROM oauth_grants WHERE grant_id = $1::uuid FOR UPDATE"},
    {"oauth_list_grants",
     "SELECT " FLORIN_GRANT
     " FROM oauth_grants WHERE user_id = $1::uuid AND revoke_time IS NULL AND create_time "
     ">= " FLORIN_TIME("$2") " ORDER BY create_time DESC LIMIT 100"},
    {"oauth_revoke_grant", "UPDATE oauth_grants SET revoke_time = " FLORIN_TIME(
                               "$2") " WHERE grant_id = $1::uuid AND revoke_time IS NULL"},
    {"oauth_revoke_session", "UPDATE oauth_grants SET revoke_time = " FLORIN_TIME(
                                 "$2") " WHERE session_id = $1 AND revoke_time IS NULL"},
    {"oauth_revoke_user", "UPDATE oauth_grants SET revoke_time = " FLORIN_TIME(
                              "$2") " WHERE user_id = $1::uuid AND revoke_time IS NULL"},
    {"oauth_revoke_client", "UPDATE oauth_grants SET revoke_time = " FLORIN_TIME(
                                "$2") " WHERE client_id = $1 AND revoke_time IS NULL"},
    {"oauth_revoke_consent",
     "UPDATE oauth_grants SET revoke_time = " FLORIN_TIME(
         "$3") " WHERE user_id = $1::uuid AND client_id = $2 AND revoke_time IS NULL"},
    {"oauth_insert_code",
     "INSERT INTO oauth_codes (code, grant_id, redirect_uri, code_challenge, key_thumbprint, "
     "expires_at) VALUES (decode($1, 'hex'), $2::uuid, $3, $4, $5, " FLORIN_TIME(
         "$6") ") ON CONFLICT (code) DO NOTHING"},
    {"oauth_find_code",
     "SELECT grant_id, redirect_uri, code_challenge, key_thumbprint, " FLORIN_MICROS(
         "expires_at") ", redeemed_by IS NOT NULL FROM oauth_codes WHERE code = decode($1, 'hex')"},
    // Of concurrent calls the second waits for the first one's commit, and then finds it redeemed.
    {"oauth_redeem_code",
     "UPDATE oauth_codes SET redeemed_by = $2::uuid WHERE code = decode($1, 'hex') "
     "AND (redeemed_by IS NULL OR redeemed_by = $2::uuid) AND expires_at > " FLORIN_TIME(
         "$3") " RETURNING grant_id"},
    {"oauth_insert_refresh",
     "INSERT INTO oauth_refresh_tokens (token, grant_id, key_thumbprint, certificate_thumbprint, "
     "used_at, expires_at) VALUES (decode($1, 'hex'), $2::uuid, $3, $4, " FLORIN_TIME(
         "$5") ", " FLORIN_TIME("$6") ") ON CONFLICT (token) DO NOTHING"},
    {"oauth_find_refresh",
     "SELECT " FLORIN_REFRESH " FROM oauth_refresh_tokens WHERE token = decode($1, 'hex')"},
    {"oauth_replace_refresh", "UPDATE oauth_refresh_tokens SET replaced_at = " FLORIN_TIME(
                                  "$2") " WHERE grant_id = $1::uuid AND replaced_at IS NULL"},
    {"oauth_touch_refresh", "UPDATE oauth_refresh_tokens SET used_at = " FLORIN_TIME(
                                "$2") " WHERE token = decode($1, 'hex')"},
    {"oauth_insert_access",
     "INSERT INTO oauth_access_tokens (token_id, grant_id, client_id, expires_at) VALUES "
     "($1::uuid, nullif($2, '')::uuid, $3, " FLORIN_TIME(
         "$4") ") ON CONFLICT (token_id) DO NOTHING"},
    {"oauth_find_access", "SELECT t.token_id, t.grant_id, t.client_id, " FLORIN_MICROS(
                              "t.expires_at") ", t.revoke_time IS NOT NULL OR g.revoke_time IS NOT "
                                              "NULL FROM oauth_access_tokens AS t "
                                              "LEFT JOIN oauth_grants AS g USING (grant_id) WHERE "
                                              "t.token_id = $1::uuid"},
    {"oauth_revoke_access",
     "UPDATE oauth_access_tokens SET revoke_time = coalesce(revoke_time, " FLORIN_TIME(
         "$2") ") WHERE token_id = $1::uuid"},
    {"oauth_list_revoked",
     "SELECT t.token_id FROM oauth_access_tokens AS t LEFT JOIN oauth_grants AS g USING (grant_id) "
     "WHERE t.expires_at > " FLORIN_TIME("$1") " AND (t.revoke_time IS NOT NULL OR g.revoke_time "
                                               "IS NOT NULL) ORDER BY t.expires_at DESC "
                                               "LIMIT $2"},
    {"oauth_delete_assertions", FLORIN_DELETE("oauth_assertions", "client_id, jti", "expires_at")},
    {"oauth_delete_requests", FLORIN_DELETE("oauth_requests", "request_uri", "expires_at")},
    {"oauth_delete_access", FLORIN_DELETE("oauth_access_tokens", "token_id", "expires_at")},
    {"oauth_delete_grants", FLORIN_DELETE("oauth_grants", "grant_id", "create_time")},
};

std::string HexOf(const crypto::Digest& digest) { return crypto::Hex(crypto::AsOctets(digest)); }

crypto::Digest ReadDigest(const pqxx::field& field) {
  crypto::Digest digest;
  const std::string octets = absl::HexStringToBytes(field.c_str());
  FLORIN_CHECK(octets.size() == digest.size(), "a CHECK of the table");
  std::copy(octets.begin(), octets.end(), digest.begin());
  return digest;
}

std::string ArrayOf(const std::vector<std::string>& values) {
  pg::Array array;
  for (const std::string& value : values) array.Add(value);
  return array.literal();
}

absl::Time ReadTime(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}
std::optional<absl::Time> ReadOptionalTime(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return ReadTime(field);
}
std::int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::StatusOr<Client> ReadClient(const pqxx::row& row) {
  Client client;
  client.client_id = row[0].c_str();
  client.type = row[1].as<bool>() ? ClientType::kConfidential : ClientType::kPublic;
  client.client_name = row[2].c_str();
  FLORIN_ASSIGN_OR_RETURN(client.redirect_uris, pg::ParseArray(row[3].c_str()));
  const std::optional<ClientAuthMethod> method = AuthMethodNamed(row[4].c_str());
  if (!method) return Error(Reason::kInternal, "an authentication method that is none");
  client.auth_method = *method;
  client.jwks = row[5].c_str();
  client.certificate_thumbprint = row[6].c_str();
  FLORIN_ASSIGN_OR_RETURN(client.grant_types, pg::ParseArray(row[7].c_str()));
  FLORIN_ASSIGN_OR_RETURN(client.scopes, pg::ParseArray(row[8].c_str()));
  client.dpop_bound_access_tokens = row[9].as<bool>();
  client.require_mtls = row[10].as<bool>();
  FLORIN_ASSIGN_OR_RETURN(client.cors_origins, pg::ParseArray(row[11].c_str()));
  client.first_party = row[12].as<bool>();
  client.create_time = ReadTime(row[13]);
  client.disable_time = ReadOptionalTime(row[14]);
  return client;
}

absl::StatusOr<PushedRequest> ReadRequest(const pqxx::row& row) {
  PushedRequest pushed;
  pushed.request_uri = ReadDigest(row[0]);
  pushed.client_id = row[1].c_str();
  AuthorizationRequest& request = pushed.request;
  request.redirect_uri = row[2].c_str();
  FLORIN_ASSIGN_OR_RETURN(request.scopes, pg::ParseArray(row[3].c_str()));
  request.state = row[4].c_str();
  request.nonce = row[5].c_str();
  request.code_challenge = row[6].c_str();
  FLORIN_ASSIGN_OR_RETURN(request.prompt, pg::ParseArray(row[7].c_str()));
  if (!row[8].is_null()) request.max_age = absl::Seconds(row[8].as<std::int64_t>());
  request.login_hint = row[9].c_str();
  FLORIN_ASSIGN_OR_RETURN(request.acr_values, pg::ParseArray(row[10].c_str()));
  pushed.key_thumbprint = row[11].c_str();
  pushed.expires_at = ReadTime(row[12]);
  return pushed;
}

absl::StatusOr<Grant> ReadGrant(const pqxx::row& row) {
  Grant grant;
  FLORIN_ASSIGN_OR_RETURN(grant.grant_id, Uuid::Parse(row[0].c_str()));
  grant.client_id = row[1].c_str();
  FLORIN_ASSIGN_OR_RETURN(grant.user_id, Uuid::Parse(row[2].c_str()));
  grant.session_id = row[3].c_str();
  grant.auth_time = ReadTime(row[4]);
  grant.acr = row[5].c_str();
  FLORIN_ASSIGN_OR_RETURN(grant.amr, pg::ParseArray(row[6].c_str()));
  FLORIN_ASSIGN_OR_RETURN(grant.scopes, pg::ParseArray(row[7].c_str()));
  grant.nonce = row[8].c_str();
  grant.create_time = ReadTime(row[9]);
  grant.revoke_time = ReadOptionalTime(row[10]);
  return grant;
}

absl::StatusOr<RefreshToken> ReadRefreshToken(const pqxx::row& row) {
  RefreshToken token;
  token.token = ReadDigest(row[0]);
  FLORIN_ASSIGN_OR_RETURN(token.grant_id, Uuid::Parse(row[1].c_str()));
  token.key_thumbprint = row[2].c_str();
  token.certificate_thumbprint = row[3].c_str();
  token.state.used_at = ReadTime(row[4]);
  token.state.expires_at = ReadTime(row[5]);
  token.state.replaced_at = ReadOptionalTime(row[6]);
  return token;
}

// The first row as `read` has it, if there is one.
template <class T>
absl::StatusOr<std::optional<T>> First(const pqxx::result& rows,
                                       absl::StatusOr<T> (*read)(const pqxx::row&)) {
  if (rows.empty()) return std::nullopt;
  FLORIN_ASSIGN_OR_RETURN(T value, read(rows[0]));
  return value;
}

template <class T>
absl::StatusOr<std::vector<T>> All(const pqxx::result& rows,
                                   absl::StatusOr<T> (*read)(const pqxx::row&)) {
  std::vector<T> values;
  for (const pqxx::row& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(T value, read(row));
    values.push_back(std::move(value));
  }
  return values;
}

// Gives whether there was none under its id.
bool InsertClient(pqxx::work& transaction, const Client& client) {
  const pqxx::result made = transaction.exec_prepared(
      "oauth_insert_client", client.client_id, client.type == ClientType::kConfidential,
      client.client_name, ArrayOf(client.redirect_uris), std::string(NameOf(client.auth_method)),
      client.jwks, client.certificate_thumbprint, ArrayOf(client.grant_types),
      ArrayOf(client.scopes), client.dpop_bound_access_tokens, client.require_mtls,
      ArrayOf(client.cors_origins), client.first_party, Micros(client.create_time));
  return made.affected_rows() == 1;
}

void InsertGrant(pqxx::work& transaction, const Grant& grant, const Code& code) {
  transaction.exec_prepared("oauth_insert_grant", grant.grant_id.ToString(), grant.client_id,
                            grant.user_id.ToString(), grant.session_id, Micros(grant.auth_time),
                            grant.acr, ArrayOf(grant.amr), ArrayOf(grant.scopes), grant.nonce,
                            Micros(grant.create_time));
  transaction.exec_prepared("oauth_insert_code", HexOf(code.code), code.grant_id.ToString(),
                            code.redirect_uri, code.code_challenge, code.key_thumbprint,
                            Micros(code.expires_at));
}

void InsertIssued(pqxx::work& transaction, const IssuedAccessToken& access,
                  const std::optional<RefreshToken>& refresh) {
  transaction.exec_prepared("oauth_insert_access", access.token_id.ToString(),
                            access.grant_id ? access.grant_id->ToString() : "", access.client_id,
                            Micros(access.expires_at));
  if (!refresh) return;
  transaction.exec_prepared("oauth_insert_refresh", HexOf(refresh->token),
                            refresh->grant_id.ToString(), refresh->key_thumbprint,
                            refresh->certificate_thumbprint, Micros(refresh->state.used_at),
                            Micros(refresh->state.expires_at));
}

bool UseRequest(pqxx::work& transaction, const crypto::Digest& request_uri,
                const std::string& client_id, const Uuid& attempt, absl::Time now) {
  return transaction
             .exec_prepared("oauth_use_request", HexOf(request_uri), client_id, attempt.ToString(),
                            Micros(now))
             .affected_rows() == 1;
}

// Whether the grant is revoked; from here on nobody else decides about it.
bool LockGrant(pqxx::work& transaction, const std::string& grant_id) {
  const pqxx::result rows = transaction.exec_prepared("oauth_lock_grant", grant_id);
  return rows.empty() || rows[0][0].as<bool>();
}

absl::StatusOr<Redemption> RedeemCodeIn(pqxx::work& transaction, const crypto::Digest& code,
                                        const IssuedAccessToken& access,
                                        const std::optional<RefreshToken>& refresh,
                                        absl::Time now) {
  const pqxx::result redeemed = transaction.exec_prepared("oauth_redeem_code", HexOf(code),
                                                          access.token_id.ToString(), Micros(now));
  if (redeemed.empty()) {
    const pqxx::result found = transaction.exec_prepared("oauth_find_code", HexOf(code));
    if (found.empty() || !found[0][5].as<bool>()) return Redemption::kRefused;
    transaction.exec_prepared("oauth_revoke_grant", found[0][0].c_str(), Micros(now));
    return Redemption::kReused;
  }
  if (LockGrant(transaction, redeemed[0][0].c_str())) return Redemption::kRefused;
  InsertIssued(transaction, access, refresh);
  return Redemption::kDone;
}

absl::StatusOr<Redemption> UseRefreshTokenIn(pqxx::work& transaction, const crypto::Digest& token,
                                             const IssuedAccessToken& access,
                                             const std::optional<RefreshToken>& next,
                                             absl::Time now) {
  const std::string digest = HexOf(token);
  pqxx::result rows = transaction.exec_prepared("oauth_find_refresh", digest);
  if (rows.empty()) return Redemption::kRefused;
  const std::string grant_id = rows[0][1].c_str();
  const bool revoked = LockGrant(transaction, grant_id);
  // After a lost COMMIT this runs again and finds its own token.
  if (!transaction.exec_prepared("oauth_find_access", access.token_id.ToString()).empty()) {
    return Redemption::kDone;
  }
  if (revoked) return Redemption::kRefused;
  rows = transaction.exec_prepared("oauth_find_refresh", digest);  // As it is under the lock.
  FLORIN_ASSIGN_OR_RETURN(const std::optional<RefreshToken> current,
                          First(rows, &ReadRefreshToken));
  const RefreshDecision decision =
      current ? DecideRefresh(current->state, now) : RefreshDecision::kExpired;
  if (decision == RefreshDecision::kReuse) {
    transaction.exec_prepared("oauth_revoke_grant", grant_id, Micros(now));
    return Redemption::kReused;
  }
  if (decision == RefreshDecision::kExpired) return Redemption::kRefused;
  if (next) {
    transaction.exec_prepared("oauth_replace_refresh", grant_id, Micros(now));
  } else {
    transaction.exec_prepared("oauth_touch_refresh", digest, Micros(now));
  }
  InsertIssued(transaction, access, next);
  return Redemption::kDone;
}

// What the audit trail says of a redemption: nothing, if it came to nothing.
std::optional<audit::Event> EventOf(Redemption redemption, const audit::Event& event) {
  if (redemption == Redemption::kDone) return event;
  if (redemption == Redemption::kRefused) return std::nullopt;
  audit::Event refused = audit::Refuse(event, Reason::kInvalidGrant);
  refused.details["reused"] = "true";
  return refused;
}

Task<absl::StatusOr<Redemption>> TransactRedemption(
    pg::Pool& pool, audit::Event event,
    std::function<absl::StatusOr<Redemption>(pqxx::work&)> work) {
  std::function<absl::StatusOr<Redemption>(pqxx::work&)> both =
      [&work, &event](pqxx::work& transaction) -> absl::StatusOr<Redemption> {
    FLORIN_ASSIGN_OR_RETURN(const Redemption redemption, work(transaction));
    const std::optional<audit::Event> told = EventOf(redemption, event);
    if (told) audit::Insert(transaction, {*told});
    return redemption;
  };
  const absl::StatusOr<Redemption> done = co_await pool.Transact<Redemption>(std::move(both));
  if (!done.ok()) co_return done.status();
  const std::optional<audit::Event> told = EventOf(*done, event);
  if (told) audit::CountEvent(*told);
  co_return *done;
}

// A statement that changes rows; gives how many.
Task<absl::StatusOr<int>> Change(pg::Pool& pool, const char* statement, std::string key,
                                 absl::Time now) {
  return pool.Transact<int>(
      [statement, key = std::move(key), now](pqxx::work& transaction) -> absl::StatusOr<int> {
        const pqxx::result result = transaction.exec_prepared(statement, key, Micros(now));
        return static_cast<int>(result.affected_rows());
      });
}

}  // namespace

std::vector<pg::Statement> PgOAuthStore::Statements() {
  return {std::begin(kStatements), std::end(kStatements)};
}

Task<absl::StatusOr<Client>> PgOAuthStore::RegisterClient(Client client, audit::Event event) {
  std::function<absl::StatusOr<Client>(pqxx::work&)> work =
      [&client, &event](pqxx::work& transaction) -> absl::StatusOr<Client> {
    if (InsertClient(transaction, client)) audit::Insert(transaction, {event});
    return ReadClient(transaction.exec_prepared1("oauth_find_client", client.client_id));
  };
  absl::StatusOr<Client> kept = co_await pool_.Transact<Client>(std::move(work));
  if (kept.ok() && *kept == client) audit::CountEvent(event);
  co_return kept;
}

Task<absl::StatusOr<std::optional<Client>>> PgOAuthStore::FindClient(std::string client_id) {
  return pool_.Read<std::optional<Client>>(
      [id = std::move(client_id)](pqxx::transaction_base& transaction) {
        return First(transaction.exec_prepared("oauth_find_client", id), &ReadClient);
      });
}

Task<absl::StatusOr<std::vector<Client>>> PgOAuthStore::ListClients(std::string after, int limit) {
  return pool_.Read<std::vector<Client>>(
      [after = std::move(after), limit](pqxx::transaction_base& transaction) {
        return All(transaction.exec_prepared("oauth_list_clients", after, limit), &ReadClient);
      });
}

Task<absl::StatusOr<std::vector<std::string>>> PgOAuthStore::ListCorsOrigins() {
  return pool_.Read<std::vector<std::string>>([](pqxx::transaction_base& transaction) {
    std::vector<std::string> origins;
    for (const pqxx::row& row : transaction.exec_prepared("oauth_list_origins"))
      origins.emplace_back(row[0].c_str());
    return origins;
  });
}

Task<absl::StatusOr<std::optional<Client>>> PgOAuthStore::DisableClient(std::string client_id,
                                                                        absl::Time now,
                                                                        audit::Event event) {
  return audit::TransactWith<std::optional<Client>>(
      pool_, std::move(event), [id = std::move(client_id), now](pqxx::work& transaction) {
        transaction.exec_prepared("oauth_disable_client", id, Micros(now));
        transaction.exec_prepared("oauth_revoke_client", id, Micros(now));
        return First(transaction.exec_prepared("oauth_find_client", id), &ReadClient);
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::UseAssertion(std::string client_id, std::string jti,
                                                      Uuid attempt, absl::Time expires_at) {
  return pool_.Transact<bool>([id = std::move(client_id), digest = HexOf(crypto::Sha256(jti)),
                               attempt = attempt.ToString(),
                               expires_at](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("oauth_insert_assertion", id, digest, attempt, Micros(expires_at));
    const pqxx::row used = transaction.exec_prepared1("oauth_find_assertion", id, digest);
    return used[0].c_str() == attempt;
  });
}

Task<absl::StatusOr<bool>> PgOAuthStore::PushRequest(PushedRequest request) {
  return pool_.Transact<bool>(
      [pushed = std::move(request)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        const AuthorizationRequest& request = pushed.request;
        const std::int64_t max_age = request.max_age ? absl::ToInt64Seconds(*request.max_age) : -1;
        transaction.exec_prepared(
            "oauth_insert_request", HexOf(pushed.request_uri), pushed.client_id,
            request.redirect_uri, ArrayOf(request.scopes), request.state, request.nonce,
            request.code_challenge, ArrayOf(request.prompt), max_age, request.login_hint,
            ArrayOf(request.acr_values), pushed.key_thumbprint, Micros(pushed.expires_at));
        return true;
      });
}

Task<absl::StatusOr<std::optional<PushedRequest>>> PgOAuthStore::FindRequest(
    crypto::Digest request_uri, std::string client_id, absl::Time now) {
  return pool_.Read<std::optional<PushedRequest>>([digest = HexOf(request_uri),
                                                   id = std::move(client_id),
                                                   now](pqxx::transaction_base& transaction) {
    return First(transaction.exec_prepared("oauth_find_request", digest, id, Micros(now)),
                 &ReadRequest);
  });
}

Task<absl::StatusOr<bool>> PgOAuthStore::HoldRequest(crypto::Digest request_uri,
                                                     std::string client_id, absl::Time now,
                                                     absl::Time until) {
  return pool_.Transact<bool>([digest = HexOf(request_uri), id = std::move(client_id), now,
                               until](pqxx::work& transaction) -> absl::StatusOr<bool> {
    return transaction.exec_prepared("oauth_hold_request", digest, id, Micros(now), Micros(until))
               .affected_rows() == 1;
  });
}

Task<absl::StatusOr<bool>> PgOAuthStore::GrantRequest(crypto::Digest request_uri, Grant grant,
                                                      Code code, audit::Event event) {
  return audit::TransactWith<bool>(pool_, std::move(event),
                                   [request_uri, grant = std::move(grant), code = std::move(code)](
                                       pqxx::work& transaction) -> absl::StatusOr<bool> {
                                     if (!UseRequest(transaction, request_uri, grant.client_id,
                                                     grant.grant_id, grant.create_time)) {
                                       return false;
                                     }
                                     InsertGrant(transaction, grant, code);
                                     return true;
                                   });
}

Task<absl::StatusOr<bool>> PgOAuthStore::DenyRequest(crypto::Digest request_uri,
                                                     std::string client_id, Uuid attempt,
                                                     absl::Time now) {
  return pool_.Transact<bool>([request_uri, id = std::move(client_id), attempt,
                               now](pqxx::work& transaction) -> absl::StatusOr<bool> {
    return UseRequest(transaction, request_uri, id, attempt, now);
  });
}

Task<absl::StatusOr<std::optional<Consent>>> PgOAuthStore::FindConsent(Uuid user_id,
                                                                       std::string client_id) {
  return pool_.Read<std::optional<Consent>>(
      [user_id, id = std::move(client_id)](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<Consent>> {
        const pqxx::result rows =
            transaction.exec_prepared("oauth_find_consent", user_id.ToString(), id);
        if (rows.empty()) return std::nullopt;
        Consent consent{.user_id = user_id, .client_id = id, .time = ReadTime(rows[0][1])};
        FLORIN_ASSIGN_OR_RETURN(consent.scopes, pg::ParseArray(rows[0][0].c_str()));
        return consent;
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::RecordConsent(Consent consent) {
  return pool_.Transact<bool>(
      [consent = std::move(consent)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        transaction.exec_prepared("oauth_record_consent", consent.user_id.ToString(),
                                  consent.client_id, ArrayOf(consent.scopes), Micros(consent.time));
        return true;
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::RevokeConsent(Uuid user_id, std::string client_id,
                                                       absl::Time now, audit::Event event) {
  return audit::TransactWith<bool>(pool_, std::move(event),
                                   [user = user_id.ToString(), id = std::move(client_id),
                                    now](pqxx::work& transaction) -> absl::StatusOr<bool> {
                                     transaction.exec_prepared("oauth_delete_consent", user, id);
                                     transaction.exec_prepared("oauth_revoke_consent", user, id,
                                                               Micros(now));
                                     return true;
                                   });
}

Task<absl::StatusOr<std::vector<Grant>>> PgOAuthStore::ListGrants(Uuid user_id, absl::Time since) {
  return pool_.Read<std::vector<Grant>>([user_id, since](pqxx::transaction_base& transaction) {
    return All(transaction.exec_prepared("oauth_list_grants", user_id.ToString(), Micros(since)),
               &ReadGrant);
  });
}

Task<absl::StatusOr<std::optional<Code>>> PgOAuthStore::FindCode(crypto::Digest code) {
  return pool_.Read<std::optional<Code>>(
      [code](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<Code>> {
        const pqxx::result rows = transaction.exec_prepared("oauth_find_code", HexOf(code));
        if (rows.empty()) return std::nullopt;
        Code found{.code = code};
        FLORIN_ASSIGN_OR_RETURN(found.grant_id, Uuid::Parse(rows[0][0].c_str()));
        found.redirect_uri = rows[0][1].c_str();
        found.code_challenge = rows[0][2].c_str();
        found.key_thumbprint = rows[0][3].c_str();
        found.expires_at = ReadTime(rows[0][4]);
        found.redeemed = rows[0][5].as<bool>();
        return found;
      });
}

Task<absl::StatusOr<std::optional<Grant>>> PgOAuthStore::FindGrant(Uuid grant_id) {
  return pool_.Read<std::optional<Grant>>([grant_id](pqxx::transaction_base& transaction) {
    return First(transaction.exec_prepared("oauth_find_grant", grant_id.ToString()), &ReadGrant);
  });
}

Task<absl::StatusOr<Redemption>> PgOAuthStore::RedeemCode(crypto::Digest code,
                                                          IssuedAccessToken access,
                                                          std::optional<RefreshToken> refresh,
                                                          absl::Time now, audit::Event event) {
  return TransactRedemption(pool_, std::move(event),
                            [code, access = std::move(access), refresh = std::move(refresh),
                             now](pqxx::work& transaction) {
                              return RedeemCodeIn(transaction, code, access, refresh, now);
                            });
}

Task<absl::StatusOr<std::optional<RefreshToken>>> PgOAuthStore::FindRefreshToken(
    crypto::Digest token) {
  return pool_.Read<std::optional<RefreshToken>>([token](pqxx::transaction_base& transaction) {
    return First(transaction.exec_prepared("oauth_find_refresh", HexOf(token)), &ReadRefreshToken);
  });
}

Task<absl::StatusOr<Redemption>> PgOAuthStore::UseRefreshToken(crypto::Digest token,
                                                               IssuedAccessToken access,
                                                               std::optional<RefreshToken> next,
                                                               absl::Time now, audit::Event event) {
  return TransactRedemption(
      pool_, std::move(event),
      [token, access = std::move(access), next = std::move(next), now](pqxx::work& transaction) {
        return UseRefreshTokenIn(transaction, token, access, next, now);
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::KeepAccessToken(IssuedAccessToken access,
                                                         audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [access = std::move(access)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        InsertIssued(transaction, access, std::nullopt);
        return true;
      });
}

Task<absl::StatusOr<std::optional<IssuedAccessToken>>> PgOAuthStore::FindAccessToken(
    Uuid token_id) {
  return pool_.Read<std::optional<IssuedAccessToken>>(
      [token_id](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<IssuedAccessToken>> {
        const pqxx::result rows =
            transaction.exec_prepared("oauth_find_access", token_id.ToString());
        if (rows.empty()) return std::nullopt;
        IssuedAccessToken token{.token_id = token_id,
                                .client_id = rows[0][2].c_str(),
                                .expires_at = ReadTime(rows[0][3]),
                                .revoked = rows[0][4].as<bool>()};
        if (!rows[0][1].is_null()) {
          FLORIN_ASSIGN_OR_RETURN(token.grant_id, Uuid::Parse(rows[0][1].c_str()));
        }
        return token;
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::RevokeAccessToken(Uuid token_id, absl::Time now,
                                                           audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [id = token_id.ToString(), now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        return transaction.exec_prepared("oauth_revoke_access", id, Micros(now)).affected_rows() ==
               1;
      });
}

Task<absl::StatusOr<bool>> PgOAuthStore::RevokeGrant(Uuid grant_id, absl::Time now,
                                                     audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [id = grant_id.ToString(), now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        transaction.exec_prepared("oauth_revoke_grant", id, Micros(now));
        return !transaction.exec_prepared("oauth_find_grant", id).empty();
      });
}

Task<absl::StatusOr<int>> PgOAuthStore::RevokeSession(std::string session_id, absl::Time now) {
  return Change(pool_, "oauth_revoke_session", std::move(session_id), now);
}

Task<absl::StatusOr<int>> PgOAuthStore::RevokeUser(Uuid user_id, absl::Time now) {
  return Change(pool_, "oauth_revoke_user", user_id.ToString(), now);
}

Task<absl::StatusOr<std::vector<Uuid>>> PgOAuthStore::ListRevokedAccessTokens(absl::Time now,
                                                                              int limit) {
  return pool_.Read<std::vector<Uuid>>([now, limit](pqxx::transaction_base& transaction) {
    absl::StatusOr<Uuid> (*const read)(const pqxx::row&) = [](const pqxx::row& row) {
      return Uuid::Parse(row[0].c_str());
    };
    return All(transaction.exec_prepared("oauth_list_revoked", Micros(now), limit), read);
  });
}

Task<absl::StatusOr<int>> PgOAuthStore::DeleteExpired(absl::Time now, int limit) {
  return pool_.Transact<int>([now, limit](pqxx::work& transaction) -> absl::StatusOr<int> {
    std::size_t deleted = 0;
    for (const auto& [statement, until] :
         {std::pair{"oauth_delete_assertions", now}, std::pair{"oauth_delete_requests", now},
          std::pair{"oauth_delete_access", now},
          std::pair{"oauth_delete_grants", now - kGrantKept}}) {
      deleted += transaction.exec_prepared(statement, Micros(until), limit).affected_rows();
    }
    return static_cast<int>(deleted);
  });
}

}  // namespace florin::auth
