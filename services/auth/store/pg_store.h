// The store in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/store.h"

namespace florin::auth {

class PgStore : public Store {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<Registered>> Register(Registration registration) override;
  Task<absl::StatusOr<std::optional<Registered>>> FindRegistration(
      std::string idempotency_key) override;
  Task<absl::StatusOr<std::optional<User>>> FindUserByEmail(std::string email) override;
  Task<absl::StatusOr<bool>> ReplacePasswordHash(Uuid user_id, std::string current,
                                                 std::string replacement) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
