// Users' roles in memory, for tests of what is built on them. Passes the same contract test as the
// real store.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "services/auth/store/role_store.h"

namespace florin::auth {

class FakeRoleStore : public RoleStore {
 public:
  // What registering does in the real database.
  void AddUser(const Uuid& user_id);
  // As if some change had given the role.
  void Give(const Uuid& user_id, Role role);
  void Take(const Uuid& user_id, Role role);

  Task<absl::StatusOr<Roles>> RolesOf(Uuid user_id) override;
  Task<absl::StatusOr<bool>> UserExists(Uuid user_id) override;
  Task<absl::StatusOr<StoredRoleChange>> Change(RoleChange change) override;
  Task<absl::StatusOr<StoredRoleChange>> Found(RoleChange change) override;

 private:
  absl::StatusOr<StoredRoleChange> Make(const RoleChange& change, bool as_founder);

  std::mutex mutex_;
  std::map<Uuid, Roles> users_;         // Guarded by mutex_.
  std::map<Uuid, RoleChange> changes_;  // Guarded by mutex_.
  std::set<Uuid> founders_;             // Guarded by mutex_.
};

}  // namespace florin::auth
