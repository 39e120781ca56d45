// The store of logins in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/login_store.h"

namespace florin::auth {

class PgLoginStore : public LoginStore {
 public:
  // `pool` was made with Statements() among its statements and outlives this.
  explicit PgLoginStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<bool>> Insert(Login login, crypto::Digest secret,
                                    absl::Time forget_before) override;
  Task<absl::StatusOr<std::optional<Login>>> Find(crypto::Digest secret) override;
  Task<absl::StatusOr<bool>> Replace(crypto::Digest current, crypto::Digest replacement,
                                     Login login) override;
  Task<absl::StatusOr<bool>> NoteCeremony(crypto::Digest secret, std::string ceremony) override;
  Task<absl::StatusOr<bool>> Remove(crypto::Digest secret) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
