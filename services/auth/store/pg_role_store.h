// Users' roles in PostgreSQL, schema `auth`.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

class PgRoleStore : public RoleStore {
 public:
  // `pool` was made with Statements() and outlives this.
  explicit PgRoleStore(pg::Pool& pool) : pool_(pool) {}
  static std::vector<pg::Statement> Statements();

  Task<absl::StatusOr<Roles>> RolesOf(Uuid user_id) override;
  Task<absl::StatusOr<bool>> UserExists(Uuid user_id) override;
  Task<absl::StatusOr<StoredRoleChange>> Change(RoleChange change) override;
  Task<absl::StatusOr<StoredRoleChange>> Found(RoleChange change) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::auth
