// E-mailed tokens in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/email_token_store.h"

namespace florin::auth {

class PgEmailTokenStore : public EmailTokenStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgEmailTokenStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<bool>> Put(EmailToken token) override;
  Task<absl::StatusOr<std::optional<EmailToken>>> Find(EmailPurpose purpose,
                                                       crypto::Digest token_hash,
                                                       absl::Time now) override;
  Task<absl::StatusOr<bool>> SetPassword(crypto::Digest token_hash, std::string password_hash,
                                         absl::Time now, audit::Event event) override;
  Task<absl::StatusOr<bool>> VerifyAddress(crypto::Digest token_hash, absl::Time now,
                                           audit::Event event) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
