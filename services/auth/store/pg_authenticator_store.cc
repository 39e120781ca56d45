#include "services/auth/store/pg_authenticator_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "services/auth/store/pg_values.h"

namespace florin::auth {
namespace {

using pgvalues::OptionalTimeOf;
using pgvalues::TimeOf;
using pgvalues::ToSql;
using pgvalues::UuidOf;

constexpr char kFindUser[] = "SELECT email, password_hash, " FLORIN_MICROS(
    "create_time") " FROM users WHERE user_id = $1::uuid";

constexpr char kPutTotp[] =
    "INSERT INTO totp_secrets AS t (user_id, factor_id, sealed_secret, create_time) "
    "VALUES ($1::uuid, $2::uuid, " FLORIN_OCTETS("$3") ", " FLORIN_AT("$4") ") "
    "ON CONFLICT (user_id) DO UPDATE SET factor_id = excluded.factor_id, "
    "sealed_secret = excluded.sealed_secret, create_time = excluded.create_time "
    "WHERE t.confirm_time IS NULL";

constexpr char kFindTotp[] = "SELECT factor_id, " FLORIN_HEX("sealed_secret") ", " FLORIN_MICROS(
    "create_time") ", " FLORIN_MICROS("confirm_time") " FROM totp_secrets WHERE user_id = $1::uuid";

constexpr char kConfirmTotp[] =
    "UPDATE totp_secrets SET confirm_time = " FLORIN_AT("$4") ", last_counter = $3 "
    "WHERE user_id = $1::uuid AND factor_id = $2::uuid AND confirm_time IS NULL";

// Compares and stores in one statement: a code counts once.
constexpr char kAcceptTotp[] =
    "UPDATE totp_secrets SET last_counter = $3, last_use_time = " FLORIN_AT("$4") " "
    "WHERE user_id = $1::uuid AND factor_id = $2::uuid AND confirm_time IS NOT NULL "
    "AND last_counter < $3";

#define FLORIN_PASSKEY_COLUMNS                                                          \
  "factor_id, user_id, " FLORIN_HEX("credential_id") ", label, algorithm, " FLORIN_HEX( \
      "public_key") ", sign_count, backup_eligible, backed_up, " FLORIN_MICROS("create_time")

constexpr char kAddPasskey[] =
    "INSERT INTO passkeys (factor_id, user_id, credential_id, label, algorithm, public_key, "
    "sign_count, backup_eligible, backed_up, create_time) "
    "VALUES ($1::uuid, $2::uuid, " FLORIN_OCTETS("$3") ", $4, $5, " FLORIN_OCTETS(
        "$6") ", $7, $8, $9, " FLORIN_AT("$10") ") ON CONFLICT (credential_id) DO NOTHING";

constexpr char kFindPasskey[] =
    "SELECT " FLORIN_PASSKEY_COLUMNS " FROM passkeys WHERE credential_id = " FLORIN_OCTETS("$1");

constexpr char kListPasskeys[] = "SELECT " FLORIN_PASSKEY_COLUMNS
                                 " FROM passkeys WHERE user_id = $1::uuid "
                                 "ORDER BY passkeys.create_time, factor_id";

constexpr char kAcceptPasskey[] =
    "UPDATE passkeys SET sign_count = $2, backed_up = $3, last_use_time = " FLORIN_AT("$4") " "
    "WHERE credential_id = " FLORIN_OCTETS("$1")
    " AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))";

constexpr char kDeleteRecoveryCodes[] = "DELETE FROM recovery_codes WHERE user_id = $1::uuid";

constexpr char kAddRecoveryCodes[] =
    "INSERT INTO recovery_codes (user_id, code_hash, factor_id, create_time) "
    "SELECT $1::uuid, " FLORIN_OCTETS("hash") ", $2::uuid, " FLORIN_AT(
        "$4") " FROM unnest($3::text[]) AS hash";

constexpr char kUseRecoveryCode[] = "UPDATE recovery_codes SET use_time = " FLORIN_AT(
    "$3") " WHERE user_id = $1::uuid AND code_hash = " FLORIN_OCTETS("$2") " AND use_time IS NULL";

constexpr char kCountRecoveryCodes[] =
    "SELECT count(*) FROM recovery_codes WHERE user_id = $1::uuid AND use_time IS NULL";

constexpr char kListFactors[] =
    "SELECT factor_id, kind, label, " FLORIN_MICROS("create_time") ", "
    FLORIN_MICROS("last_use_time") ", codes_left FROM ("
    "SELECT factor_id, 'totp' AS kind, '' AS label, create_time, last_use_time, 0 AS codes_left "
    "FROM totp_secrets WHERE user_id = $1::uuid AND confirm_time IS NOT NULL UNION ALL "
    "SELECT factor_id, 'passkey', label, create_time, last_use_time, 0 "
    "FROM passkeys WHERE user_id = $1::uuid UNION ALL "
    "SELECT factor_id, 'codes', '', min(create_time), max(use_time), "
    "count(*) FILTER (WHERE use_time IS NULL) "
    "FROM recovery_codes WHERE user_id = $1::uuid GROUP BY factor_id) AS f "
    "ORDER BY f.create_time, factor_id";

constexpr char kRemoveFactor[] =
    "WITH t AS (DELETE FROM totp_secrets WHERE user_id = $1::uuid AND factor_id = $2::uuid "
    "AND confirm_time IS NOT NULL RETURNING 1), "
    "p AS (DELETE FROM passkeys WHERE user_id = $1::uuid AND factor_id = $2::uuid RETURNING 1), "
    "r AS (DELETE FROM recovery_codes WHERE user_id = $1::uuid AND factor_id = $2::uuid "
    "RETURNING 1) "
    "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM p) + (SELECT count(*) FROM r)";

// A few at a time, each time: as many as come are forgotten.
constexpr char kForgetChallenges[] =
    "DELETE FROM challenges WHERE challenge_id IN (SELECT challenge_id FROM challenges "
    "WHERE expire_time < " FLORIN_AT("$1") " ORDER BY expire_time LIMIT 4)";

constexpr char kPutChallenge[] =
    "INSERT INTO challenges (challenge_id, purpose, user_id, challenge, expire_time) "
    "VALUES ($1::uuid, $2, $3::uuid, " FLORIN_OCTETS("$4") ", " FLORIN_AT("$5") ") "
    "ON CONFLICT (challenge_id) DO NOTHING";

constexpr char kTakeChallenge[] =
    "DELETE FROM challenges WHERE challenge_id = $1::uuid AND purpose = $2 "
    "AND user_id IS NOT DISTINCT FROM $3::uuid AND expire_time > " FLORIN_AT(
        "$4") " RETURNING " FLORIN_HEX("challenge") ", " FLORIN_MICROS("expire_time");

constexpr char kPutApproval[] =
    "INSERT INTO approvals (approval_id, user_id, octets, nonce, create_time, expire_time) "
    "VALUES ($1::uuid, $2::uuid, " FLORIN_OCTETS("$3") ", " FLORIN_OCTETS("$4") ", " FLORIN_AT(
        "$5") ", " FLORIN_AT("$6") ") ON CONFLICT (approval_id) DO NOTHING";

constexpr char kFindApproval[] =
    "SELECT a.user_id, " FLORIN_HEX("a.octets") ", " FLORIN_HEX("a.nonce") ", "
    FLORIN_MICROS("a.create_time") ", " FLORIN_MICROS("a.expire_time")
    " FROM approvals AS a WHERE a.approval_id = $1::uuid AND NOT EXISTS "
    "(SELECT 1 FROM approval_ends AS e WHERE e.approval_id = a.approval_id)";

constexpr char kEndApproval[] =
    "INSERT INTO approval_ends (approval_id, approved, factor_id, kind, credential, end_time) "
    "VALUES ($1::uuid, $2, $3::uuid, $4, nullif($5, ''), " FLORIN_AT("$6") ") "
    "ON CONFLICT (approval_id) DO NOTHING";

Passkey ReadPasskey(const pqxx::row& row) {
  return {.factor_id = UuidOf(row[0]),
          .user_id = UuidOf(row[1]),
          .credential_id = pgvalues::OctetsOf(row[2]),
          .label = row[3].c_str(),
          .key = {.algorithm = row[4].as<int>(), .octets = pgvalues::OctetsOf(row[5])},
          .sign_count = static_cast<std::uint32_t>(row[6].as<std::int64_t>()),
          .backup_eligible = row[7].as<bool>(),
          .backed_up = row[8].as<bool>(),
          .create_time = TimeOf(row[9])};
}

FactorKind ReadKind(std::string_view name) {
  if (name == "totp") return FactorKind::kTotp;
  return name == "passkey" ? FactorKind::kPasskey : FactorKind::kRecoveryCodes;
}

// A nullable uuid as a parameter. Refers to `text`.
const char* ToNullable(const std::optional<Uuid>& id, std::string& text) {
  if (!id) return nullptr;
  text = id->ToString();
  return text.c_str();
}

// For transactions of one statement: whether it changed a row. With the event of the change.
template <class... Arguments>
Task<absl::StatusOr<bool>> ChangesWith(pg::Pool& pool, audit::Event event, const char* statement,
                                       Arguments... arguments) {
  return audit::TransactWith<bool>(
      pool, std::move(event), [=](pqxx::work& transaction) -> absl::StatusOr<bool> {
        return transaction.exec_prepared(statement, arguments...).affected_rows() == 1;
      });
}

// Without.
template <class... Arguments>
Task<absl::StatusOr<bool>> Changes(pg::Pool& pool, const char* statement, Arguments... arguments) {
  return pool.Transact<bool>([=](pqxx::work& transaction) -> absl::StatusOr<bool> {
    return transaction.exec_prepared(statement, arguments...).affected_rows() == 1;
  });
}

absl::StatusOr<std::vector<Factor>> ListFactorsIn(pqxx::transaction_base& transaction,
                                                  Uuid user_id) {
  std::vector<Factor> factors;
  const pqxx::result rows = transaction.exec_prepared("list_factors", user_id.ToString());
  for (const pqxx::row& row : rows) {
    factors.push_back({.factor_id = UuidOf(row[0]),
                       .kind = ReadKind(row[1].c_str()),
                       .label = row[2].c_str(),
                       .create_time = TimeOf(row[3]),
                       .last_use_time = OptionalTimeOf(row[4]),
                       .codes_left = row[5].as<int>()});
  }
  return factors;
}

}  // namespace

std::vector<pg::Statement> PgAuthenticatorStore::Statements() {
  return {{"find_user", kFindUser},
          {"put_totp", kPutTotp},
          {"find_totp", kFindTotp},
          {"confirm_totp", kConfirmTotp},
          {"accept_totp", kAcceptTotp},
          {"add_passkey", kAddPasskey},
          {"find_passkey", kFindPasskey},
          {"list_passkeys", kListPasskeys},
          {"accept_passkey", kAcceptPasskey},
          {"delete_recovery_codes", kDeleteRecoveryCodes},
          {"add_recovery_codes", kAddRecoveryCodes},
          {"use_recovery_code", kUseRecoveryCode},
          {"count_recovery_codes", kCountRecoveryCodes},
          {"list_factors", kListFactors},
          {"remove_factor", kRemoveFactor},
          {"forget_challenges", kForgetChallenges},
          {"put_challenge", kPutChallenge},
          {"take_challenge", kTakeChallenge},
          {"put_approval", kPutApproval},
          {"find_approval", kFindApproval},
          {"end_approval", kEndApproval}};
}

Task<absl::StatusOr<std::optional<User>>> PgAuthenticatorStore::FindUser(Uuid user_id) {
  return pool_.Read<std::optional<User>>(
      [user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<User>> {
        const pqxx::result rows = transaction.exec_prepared("find_user", user_id.ToString());
        if (rows.empty()) return std::nullopt;
        return User{.user_id = user_id,
                    .email = rows[0][0].c_str(),
                    .password_hash = rows[0][1].c_str(),
                    .create_time = TimeOf(rows[0][2])};
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::PutTotp(TotpSecret secret) {
  return Changes(pool_, "put_totp", secret.user_id.ToString(), secret.factor_id.ToString(),
                 ToSql(secret.sealed), ToSql(secret.create_time));
}

Task<absl::StatusOr<std::optional<TotpSecret>>> PgAuthenticatorStore::FindTotp(Uuid user_id) {
  return pool_.Read<std::optional<TotpSecret>>(
      [user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<TotpSecret>> {
        const pqxx::result rows = transaction.exec_prepared("find_totp", user_id.ToString());
        if (rows.empty()) return std::nullopt;
        return TotpSecret{.factor_id = UuidOf(rows[0][0]),
                          .user_id = user_id,
                          .sealed = pgvalues::OctetsOf(rows[0][1]),
                          .create_time = TimeOf(rows[0][2]),
                          .confirm_time = OptionalTimeOf(rows[0][3])};
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::ConfirmTotp(Uuid user_id, Uuid factor_id,
                                                             std::int64_t counter, absl::Time now,
                                                             audit::Event event) {
  return ChangesWith(pool_, std::move(event), "confirm_totp", user_id.ToString(),
                     factor_id.ToString(), counter, ToSql(now));
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::AcceptTotp(Uuid user_id, Uuid factor_id,
                                                            std::int64_t counter, absl::Time now) {
  return Changes(pool_, "accept_totp", user_id.ToString(), factor_id.ToString(), counter,
                 ToSql(now));
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::AddPasskey(Passkey passkey, audit::Event event) {
  return ChangesWith(pool_, std::move(event), "add_passkey", passkey.factor_id.ToString(),
                     passkey.user_id.ToString(), ToSql(passkey.credential_id), passkey.label,
                     passkey.key.algorithm, ToSql(passkey.key.octets),
                     static_cast<std::int64_t>(passkey.sign_count), passkey.backup_eligible,
                     passkey.backed_up, ToSql(passkey.create_time));
}

Task<absl::StatusOr<std::optional<Passkey>>> PgAuthenticatorStore::FindPasskey(
    std::string credential_id) {
  return pool_.Read<std::optional<Passkey>>(
      [id = ToSql(credential_id)](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<Passkey>> {
        const pqxx::result rows = transaction.exec_prepared("find_passkey", id);
        if (rows.empty()) return std::nullopt;
        return ReadPasskey(rows[0]);
      });
}

Task<absl::StatusOr<std::vector<Passkey>>> PgAuthenticatorStore::ListPasskeys(Uuid user_id) {
  return pool_.Read<std::vector<Passkey>>(
      [user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Passkey>> {
        std::vector<Passkey> passkeys;
        const pqxx::result rows = transaction.exec_prepared("list_passkeys", user_id.ToString());
        for (const pqxx::row& row : rows) passkeys.push_back(ReadPasskey(row));
        return passkeys;
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::AcceptPasskey(std::string credential_id,
                                                               std::uint32_t sign_count,
                                                               bool backed_up, absl::Time now) {
  return Changes(pool_, "accept_passkey", ToSql(credential_id),
                 static_cast<std::int64_t>(sign_count), backed_up, ToSql(now));
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::ReplaceRecoveryCodes(
    Uuid user_id, Uuid factor_id, std::vector<crypto::Digest> hashes, absl::Time now,
    audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [user_id, factor_id, hashes = std::move(hashes),
       now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        pg::Array codes;
        for (const crypto::Digest& hash : hashes) codes.Add(ToSql(hash));
        transaction.exec_prepared("delete_recovery_codes", user_id.ToString());
        transaction.exec_prepared("add_recovery_codes", user_id.ToString(), factor_id.ToString(),
                                  codes.literal(), ToSql(now));
        return true;
      });
}

Task<absl::StatusOr<std::optional<int>>> PgAuthenticatorStore::UseRecoveryCode(Uuid user_id,
                                                                               crypto::Digest hash,
                                                                               absl::Time now,
                                                                               audit::Event event) {
  return audit::TransactWith<std::optional<int>>(
      pool_, std::move(event),
      [user_id, hash, now](pqxx::work& transaction) -> absl::StatusOr<std::optional<int>> {
        const pqxx::result used = transaction.exec_prepared("use_recovery_code", user_id.ToString(),
                                                            ToSql(hash), ToSql(now));
        if (used.affected_rows() != 1) return std::nullopt;
        return transaction.exec_prepared("count_recovery_codes", user_id.ToString())[0][0]
            .as<int>();
      });
}

Task<absl::StatusOr<std::vector<Factor>>> PgAuthenticatorStore::ListFactors(Uuid user_id) {
  return pool_.Read<std::vector<Factor>>([user_id](pqxx::transaction_base& transaction) {
    return ListFactorsIn(transaction, user_id);
  });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::RemoveFactor(Uuid user_id, Uuid factor_id,
                                                              audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event),
      [user_id, factor_id](pqxx::work& transaction) -> absl::StatusOr<bool> {
        const pqxx::result removed =
            transaction.exec_prepared("remove_factor", user_id.ToString(), factor_id.ToString());
        return removed[0][0].as<std::int64_t>() > 0;
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::PutChallenge(Challenge challenge, absl::Time now) {
  return pool_.Transact<bool>(
      [challenge = std::move(challenge), now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        std::string user_id;
        transaction.exec_prepared("forget_challenges", ToSql(now));
        transaction.exec_prepared("put_challenge", challenge.challenge_id.ToString(),
                                  challenge.purpose, ToNullable(challenge.user_id, user_id),
                                  ToSql(challenge.octets), ToSql(challenge.expire_time));
        return true;
      });
}

Task<absl::StatusOr<std::optional<Challenge>>> PgAuthenticatorStore::TakeChallenge(
    Uuid challenge_id, std::string purpose, std::optional<Uuid> user_id, absl::Time now) {
  return pool_.Transact<std::optional<Challenge>>(
      [challenge_id, purpose = std::move(purpose), user_id,
       now](pqxx::work& transaction) -> absl::StatusOr<std::optional<Challenge>> {
        std::string user;
        const pqxx::result rows =
            transaction.exec_prepared("take_challenge", challenge_id.ToString(), purpose,
                                      ToNullable(user_id, user), ToSql(now));
        if (rows.empty()) return std::nullopt;
        return Challenge{.challenge_id = challenge_id,
                         .purpose = purpose,
                         .user_id = user_id,
                         .octets = pgvalues::OctetsOf(rows[0][0]),
                         .expire_time = TimeOf(rows[0][1])};
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::PutApproval(ApprovalRequest request) {
  return pool_.Transact<bool>(
      [request = std::move(request)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        transaction.exec_prepared("put_approval", request.approval_id.ToString(),
                                  request.user_id.ToString(), ToSql(request.octets),
                                  ToSql(request.nonce), ToSql(request.create_time),
                                  ToSql(request.expire_time));
        return true;
      });
}

Task<absl::StatusOr<std::optional<ApprovalRequest>>> PgAuthenticatorStore::FindApproval(
    Uuid approval_id) {
  return pool_.Read<std::optional<ApprovalRequest>>(
      [approval_id](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<ApprovalRequest>> {
        const pqxx::result rows =
            transaction.exec_prepared("find_approval", approval_id.ToString());
        if (rows.empty()) return std::nullopt;
        return ApprovalRequest{.approval_id = approval_id,
                               .user_id = UuidOf(rows[0][0]),
                               .octets = pgvalues::OctetsOf(rows[0][1]),
                               .nonce = pgvalues::OctetsOf(rows[0][2]),
                               .create_time = TimeOf(rows[0][3]),
                               .expire_time = TimeOf(rows[0][4])};
      });
}

Task<absl::StatusOr<bool>> PgAuthenticatorStore::EndApproval(ApprovalEnd end) {
  return pool_.Transact<bool>(
      [end = std::move(end)](pqxx::work& transaction) -> absl::StatusOr<bool> {
        std::string factor_id;
        const char* kind = end.kind == FactorKind::kPasskey ? "passkey" : "totp";
        const pqxx::result ended = transaction.exec_prepared(
            "end_approval", end.approval_id.ToString(), end.approved,
            ToNullable(end.factor_id, factor_id), end.approved ? kind : nullptr, end.credential,
            ToSql(end.end_time));
        return ended.affected_rows() == 1;
      });
}

}  // namespace florin::auth
