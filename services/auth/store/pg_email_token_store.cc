#include "services/auth/store/pg_email_token_store.h"

#include <algorithm>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "services/auth/store/pg_values.h"

namespace florin::auth {
namespace {

using pgvalues::ToSql;

constexpr char kPutEmailToken[] =
    "INSERT INTO email_tokens AS t (user_id, purpose, token_hash, email, expire_time) "
    "VALUES ($1::uuid, $2, " FLORIN_OCTETS("$3") ", $4, " FLORIN_AT("$5") ") "
    "ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = excluded.token_hash, "
    "email = excluded.email, expire_time = excluded.expire_time, use_time = NULL "
    // The same token again (after a lost COMMIT) must not come back to life.
    "WHERE t.token_hash <> excluded.token_hash";

constexpr char kFindEmailToken[] =
    "SELECT user_id, email, " FLORIN_MICROS("expire_time") ", " FLORIN_MICROS("use_time")
    " FROM email_tokens WHERE token_hash = " FLORIN_OCTETS("$1")
    " AND purpose = $2 AND expire_time > " FLORIN_AT("$3");

#define FLORIN_USE_TOKEN(purpose) \
  "WITH used AS (UPDATE email_tokens SET use_time = " FLORIN_AT("$2") " "   \
  "WHERE token_hash = " FLORIN_OCTETS("$1") " AND purpose = '" purpose "' " \
  "AND use_time IS NULL AND expire_time > " FLORIN_AT("$2") " RETURNING user_id, email) "

constexpr char kResetPassword[] = FLORIN_USE_TOKEN("password_reset")
    "UPDATE users AS u SET password_hash = $3 FROM used WHERE u.user_id = used.user_id";

constexpr char kVerifyAddress[] =
    FLORIN_USE_TOKEN("email_verification") "UPDATE users AS u SET email_verify_time = " FLORIN_AT(
        "$2") " FROM used WHERE u.user_id = used.user_id AND u.email = used.email";

const char* NameOf(EmailPurpose purpose) {
  return purpose == EmailPurpose::kPasswordReset ? "password_reset" : "email_verification";
}

}  // namespace

std::vector<pg::Statement> PgEmailTokenStore::Statements() {
  return {{"put_email_token", kPutEmailToken},
          {"find_email_token", kFindEmailToken},
          {"reset_password", kResetPassword},
          {"verify_address", kVerifyAddress}};
}

Task<absl::StatusOr<bool>> PgEmailTokenStore::Put(EmailToken token) {
  return pool_.Transact<bool>([token = std::move(token)](
                                  pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("put_email_token", token.user_id.ToString(), NameOf(token.purpose),
                              ToSql(token.token_hash), token.email, ToSql(token.expire_time));
    return true;
  });
}

Task<absl::StatusOr<std::optional<EmailToken>>> PgEmailTokenStore::Find(EmailPurpose purpose,
                                                                        crypto::Digest token_hash,
                                                                        absl::Time now) {
  return pool_.Read<std::optional<EmailToken>>(
      [purpose, token_hash,
       now](pqxx::transaction_base& transaction) -> absl::StatusOr<std::optional<EmailToken>> {
        const pqxx::result rows = transaction.exec_prepared("find_email_token", ToSql(token_hash),
                                                            NameOf(purpose), ToSql(now));
        if (rows.empty()) return std::nullopt;
        return EmailToken{.token_hash = token_hash,
                          .purpose = purpose,
                          .user_id = pgvalues::UuidOf(rows[0][0]),
                          .email = rows[0][1].c_str(),
                          .expire_time = pgvalues::TimeOf(rows[0][2]),
                          .use_time = pgvalues::OptionalTimeOf(rows[0][3])};
      });
}

Task<absl::StatusOr<bool>> PgEmailTokenStore::SetPassword(crypto::Digest token_hash,
                                                          std::string password_hash, absl::Time now,
                                                          audit::Event event) {
  return audit::TransactWith<bool>(pool_, std::move(event),
                                   [token_hash, password_hash = std::move(password_hash),
                                    now](pqxx::work& transaction) -> absl::StatusOr<bool> {
                                     return transaction
                                                .exec_prepared("reset_password", ToSql(token_hash),
                                                               ToSql(now), password_hash)
                                                .affected_rows() == 1;
                                   });
}

Task<absl::StatusOr<bool>> PgEmailTokenStore::VerifyAddress(crypto::Digest token_hash,
                                                            absl::Time now, audit::Event event) {
  return audit::TransactWith<bool>(
      pool_, std::move(event), [token_hash, now](pqxx::work& transaction) -> absl::StatusOr<bool> {
        return transaction.exec_prepared("verify_address", ToSql(token_hash), ToSql(now))
                   .affected_rows() == 1;
      });
}

}  // namespace florin::auth
