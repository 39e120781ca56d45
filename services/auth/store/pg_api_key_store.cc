#include "services/auth/store/pg_api_key_store.h"

#include <functional>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "services/auth/store/pg_values.h"

namespace florin::auth {
namespace {

// In the order that ReadKey expects.
#define FLORIN_KEY_COLUMNS                                                          \
  "k.api_key_id, k.user_id, k.display_name, k.mode, k.scopes, k.allowed_networks, " \
  "k.created_by, " FLORIN_MICROS("k.create_time") ", " FLORIN_MICROS(               \
      "k.expire_time") ", " FLORIN_MICROS("k.revoke_time") ", " FLORIN_MICROS("k.last_use_time")
constexpr int kKeyColumns = 11;

constexpr char kInsertRequest[] =
    "INSERT INTO api_key_requests (user_id, method, idempotency_key, fingerprint, secret_digest) "
    "VALUES ($1::uuid, $2, $3, $4::bytea, $5::bytea) "
    "ON CONFLICT (user_id, method, idempotency_key) DO NOTHING";

constexpr char kFindRequest[] =
    "SELECT " FLORIN_KEY_COLUMNS
    ", r.fingerprint = $4::bytea, r.secret_digest = $5::bytea "
    "FROM api_key_requests AS r JOIN api_key_secrets AS s USING (secret_digest) "
    "JOIN api_keys AS k USING (api_key_id) "
    "WHERE r.user_id = $1::uuid AND r.method = $2 AND r.idempotency_key = $3";

constexpr char kInsertKey[] =
    "INSERT INTO api_keys (api_key_id, user_id, display_name, mode, scopes, allowed_networks, "
    "created_by, create_time, expire_time) VALUES ($1::uuid, $2::uuid, $3, $4, $5::text[], "
    "$6::text[], $7, " FLORIN_AT("$8") ", " FLORIN_AT("$9") ")";

// The key's row is locked by now, or not seen by anybody else.
constexpr char kInsertSecret[] =
    "INSERT INTO api_key_secrets (secret_digest, api_key_id, prefix, create_time, number) "
    "SELECT $2::bytea, $1::uuid, $3, " FLORIN_AT(
        "$4") ", coalesce(max(number), 0) + 1 FROM api_key_secrets WHERE api_key_id = $1::uuid";

constexpr char kExpireSecrets[] =
    "UPDATE api_key_secrets SET expire_time = " FLORIN_AT("$2")
    " WHERE api_key_id = $1::uuid AND (expire_time IS NULL OR expire_time > " FLORIN_AT("$2")
    ")";

constexpr char kLockKey[] = "SELECT " FLORIN_KEY_COLUMNS
                            " FROM api_keys AS k "
                            "WHERE k.api_key_id = $2::uuid AND k.user_id = $1::uuid FOR UPDATE";

constexpr char kListKeys[] = "SELECT " FLORIN_KEY_COLUMNS
                             " FROM api_keys AS k "
                             "WHERE k.user_id = $1::uuid AND k.api_key_id > $2::uuid "
                             "ORDER BY k.api_key_id LIMIT $3::integer";

constexpr char kFindBySecret[] =
    "SELECT " FLORIN_KEY_COLUMNS ", " FLORIN_MICROS("s.expire_time")
    " FROM api_key_secrets AS s JOIN api_keys AS k USING (api_key_id) "
    "WHERE s.secret_digest = $1::bytea";

constexpr char kListSecrets[] =
    "SELECT api_key_id, prefix, " FLORIN_MICROS("create_time") ", " FLORIN_MICROS("expire_time")
    " FROM api_key_secrets WHERE api_key_id = ANY ($1::uuid[]) ORDER BY number DESC";

constexpr char kRevokeKey[] = "UPDATE api_keys SET revoke_time = " FLORIN_AT(
    "$3") " WHERE api_key_id = $2::uuid AND user_id = $1::uuid AND revoke_time IS NULL";

constexpr char kNoteUse[] = "UPDATE api_keys SET last_use_time = " FLORIN_AT(
    "$2") " WHERE api_key_id = $1::uuid AND (last_use_time IS NULL OR last_use_time "
          "<= " FLORIN_AT("$3") ")";

std::optional<absl::Time> ReadTime(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return absl::FromUnixMicros(field.as<std::int64_t>());
}

std::optional<std::int64_t> Micros(const std::optional<absl::Time>& time) {
  return time ? std::optional(absl::ToUnixMicros(*time)) : std::nullopt;
}

std::string BytesOf(const crypto::Digest& digest) {
  return "\\x" + crypto::Hex(crypto::AsOctets(digest));
}

std::string Literal(const std::vector<std::string>& texts) {
  pg::Array array;
  for (const std::string& text : texts) array.Add(text);
  return array.literal();
}

absl::StatusOr<ApiKey> ReadKey(const pqxx::row& row) {
  ApiKey key;
  FLORIN_ASSIGN_OR_RETURN(key.api_key_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(key.user_id, Uuid::Parse(row[1].c_str()));
  key.display_name = row[2].c_str();
  key.mode = row[3].c_str();
  FLORIN_ASSIGN_OR_RETURN(key.scopes, pg::ParseArray(row[4].c_str()));
  FLORIN_ASSIGN_OR_RETURN(key.allowed_networks, pg::ParseArray(row[5].c_str()));
  key.created_by = row[6].c_str();
  key.create_time = *ReadTime(row[7]);
  key.expire_time = ReadTime(row[8]);
  key.revoke_time = ReadTime(row[9]);
  key.last_use_time = ReadTime(row[10]);
  return key;
}

absl::Status ReadSecrets(pqxx::transaction_base& transaction, std::vector<ApiKey>& keys) {
  pg::Array ids;
  for (const ApiKey& key : keys) ids.Add(key.api_key_id);
  for (const auto& row : transaction.exec_prepared("api_key_list_secrets", ids.literal())) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
    for (ApiKey& key : keys) {
      if (key.api_key_id != id) continue;
      key.secrets.push_back({.prefix = row[1].c_str(),
                             .create_time = *ReadTime(row[2]),
                             .expire_time = ReadTime(row[3])});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ApiKey> ReadWhole(pqxx::transaction_base& transaction, const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(ApiKey key, ReadKey(row));
  std::vector<ApiKey> one = {std::move(key)};
  FLORIN_RETURN_IF_ERROR(ReadSecrets(transaction, one));
  return std::move(one.front());
}

// A request for a secret, bound as the statements on api_key_requests want it.
struct BoundRequest {
  std::string user;
  const char* method;
  std::string key;
  std::string fingerprint;
  std::string digest;

  pqxx::result Run(pqxx::transaction_base& transaction, const char* statement) const {
    return transaction.exec_prepared(statement, user, method, key, fingerprint, digest);
  }
};

absl::StatusOr<std::optional<StoredApiKey>> FindRequest(pqxx::transaction_base& transaction,
                                                        const BoundRequest& request) {
  const pqxx::result rows = request.Run(transaction, "api_key_find_request");
  if (rows.empty()) return std::nullopt;
  StoredApiKey stored;
  FLORIN_ASSIGN_OR_RETURN(stored.key, ReadWhole(transaction, rows[0]));
  stored.same_request = rows[0][kKeyColumns].as<bool>();
  stored.made = rows[0][kKeyColumns + 1].as<bool>();
  return stored;
}

absl::StatusOr<StoredApiKey> Answer(pqxx::transaction_base& transaction,
                                    const BoundRequest& request) {
  FLORIN_ASSIGN_OR_RETURN(std::optional<StoredApiKey> stored, FindRequest(transaction, request));
  FLORIN_CHECK(stored.has_value(), "a request under this key was just inserted or found");
  return *std::move(stored);
}

void InsertSecret(pqxx::work& transaction, const Uuid& api_key_id, const NewSecret& secret) {
  transaction.exec_prepared("api_key_insert_secret", api_key_id.ToString(), BytesOf(secret.digest),
                            secret.prefix, absl::ToUnixMicros(secret.create_time));
}

absl::Status NotFound() {
  return Error(Reason::kApiKeyNotFound, "no such API key", {.param = "api_key_id"});
}

// The key of a user, locked until the end of the transaction.
absl::StatusOr<ApiKey> LockKey(pqxx::work& transaction, const Uuid& user_id,
                               const Uuid& api_key_id) {
  const pqxx::result rows =
      transaction.exec_prepared("api_key_lock", user_id.ToString(), api_key_id.ToString());
  if (rows.empty()) return NotFound();
  return ReadWhole(transaction, rows[0]);
}

}  // namespace

std::vector<pg::Statement> PgApiKeyStore::Statements() {
  return {{"api_key_insert_request", kInsertRequest},
          {"api_key_find_request", kFindRequest},
          {"api_key_insert", kInsertKey},
          {"api_key_insert_secret", kInsertSecret},
          {"api_key_expire_secrets", kExpireSecrets},
          {"api_key_lock", kLockKey},
          {"api_key_list", kListKeys},
          {"api_key_find_by_secret", kFindBySecret},
          {"api_key_list_secrets", kListSecrets},
          {"api_key_revoke", kRevokeKey},
          {"api_key_note_use", kNoteUse}};
}

namespace {

// `once` names what happened for ever.
audit::Event EventOf(std::string action, std::string_view once, const Uuid& user_id,
                     const Uuid& api_key_id, absl::Time time, const audit::Origin& origin) {
  audit::Event event;
  event.event_id = DeriveId("florin." + action, once);
  event.time = time;
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, user_id);
  event.subject = FormatId(IdKind::kApiKey, api_key_id);
  event.origin = origin;
  return event;
}

}  // namespace

Task<absl::StatusOr<StoredApiKey>> PgApiKeyStore::Create(ApiKey key, NewSecret secret,
                                                         SecretRequest request) {
  std::function<absl::StatusOr<StoredApiKey>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<StoredApiKey> {
    const BoundRequest bound = {key.user_id.ToString(), "create", request.idempotency_key,
                                BytesOf(request.fingerprint), BytesOf(secret.digest)};
    // Waits for a concurrent request under the same key.
    if (bound.Run(transaction, "api_key_insert_request").affected_rows() == 1) {
      transaction.exec_prepared("api_key_insert", key.api_key_id.ToString(), bound.user,
                                key.display_name, key.mode, Literal(key.scopes),
                                Literal(key.allowed_networks), key.created_by,
                                absl::ToUnixMicros(key.create_time), Micros(key.expire_time));
      InsertSecret(transaction, key.api_key_id, secret);
      events.push_back(EventOf("auth.api_key.create", crypto::Hex(crypto::AsOctets(secret.digest)),
                               key.user_id, key.api_key_id, key.create_time, request.origin));
    }
    return Answer(transaction, bound);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<StoredApiKey>> PgApiKeyStore::Rotate(Uuid user_id, Uuid api_key_id,
                                                         NewSecret secret,
                                                         absl::Time others_expire_time,
                                                         SecretRequest request) {
  std::function<absl::StatusOr<StoredApiKey>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<StoredApiKey> {
    const BoundRequest bound = {user_id.ToString(), "rotate", request.idempotency_key,
                                BytesOf(request.fingerprint), BytesOf(secret.digest)};
    FLORIN_ASSIGN_OR_RETURN(const ApiKey key, LockKey(transaction, user_id, api_key_id));
    FLORIN_ASSIGN_OR_RETURN(std::optional<StoredApiKey> known, FindRequest(transaction, bound));
    if (known) return *std::move(known);
    if (HasEnded(key, secret.create_time)) {
      return Error(Reason::kApiKeyRevoked, "the API key has ended", {.param = "api_key_id"});
    }
    // Somebody else may come first only with the same key for another API key.
    if (bound.Run(transaction, "api_key_insert_request").affected_rows() == 1) {
      transaction.exec_prepared("api_key_expire_secrets", api_key_id.ToString(),
                                absl::ToUnixMicros(others_expire_time));
      InsertSecret(transaction, api_key_id, secret);
      events.push_back(EventOf("auth.api_key.rotate", crypto::Hex(crypto::AsOctets(secret.digest)),
                               user_id, api_key_id, secret.create_time, request.origin));
    }
    return Answer(transaction, bound);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<ApiKey>>> PgApiKeyStore::List(Uuid user_id,
                                                              std::optional<Uuid> after,
                                                              int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<ApiKey>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<ApiKey>> {
    std::vector<ApiKey> keys;
    const pqxx::result rows =
        transaction.exec_prepared("api_key_list", user_id.ToString(), above, limit);
    for (const auto& row : rows) {
      FLORIN_ASSIGN_OR_RETURN(ApiKey key, ReadKey(row));
      keys.push_back(std::move(key));
    }
    FLORIN_RETURN_IF_ERROR(ReadSecrets(transaction, keys));
    return keys;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<ApiKey>> PgApiKeyStore::Revoke(Uuid user_id, Uuid api_key_id, absl::Time now,
                                                   audit::Origin origin) {
  std::function<absl::StatusOr<ApiKey>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) {
        const std::string id = api_key_id.ToString();
        const pqxx::result revoked = transaction.exec_prepared("api_key_revoke", user_id.ToString(),
                                                               id, absl::ToUnixMicros(now));
        if (revoked.affected_rows() == 1) {
          events.push_back(EventOf("auth.api_key.revoke", id, user_id, api_key_id, now, origin));
        }
        return LockKey(transaction, user_id, api_key_id);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::optional<FoundApiKey>>> PgApiKeyStore::FindBySecret(
    crypto::Digest digest) {
  std::function<absl::StatusOr<std::optional<FoundApiKey>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<FoundApiKey>> {
    const pqxx::result rows = transaction.exec_prepared("api_key_find_by_secret", BytesOf(digest));
    if (rows.empty()) return std::nullopt;
    FoundApiKey found;
    FLORIN_ASSIGN_OR_RETURN(found.key, ReadWhole(transaction, rows[0]));
    found.secret_expire_time = ReadTime(rows[0][kKeyColumns]);
    return found;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::Status> PgApiKeyStore::NoteUse(Uuid api_key_id, absl::Time now) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    const pqxx::result result = transaction.exec_prepared("api_key_note_use", api_key_id.ToString(),
                                                          absl::ToUnixMicros(now),
                                                          absl::ToUnixMicros(now - kUseResolution));
    return result.affected_rows() == 1;
  };
  const absl::StatusOr<bool> noted = co_await pool_.Transact(std::move(work));
  co_return noted.status();
}

}  // namespace florin::auth
