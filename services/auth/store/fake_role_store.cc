#include "services/auth/store/fake_role_store.h"

#include <utility>

namespace florin::auth {

void FakeRoleStore::AddUser(const Uuid& user_id) {
  const std::lock_guard lock(mutex_);
  users_.try_emplace(user_id);
}

void FakeRoleStore::Give(const Uuid& user_id, Role role) {
  const std::lock_guard lock(mutex_);
  users_[user_id].insert(role);
}

void FakeRoleStore::Take(const Uuid& user_id, Role role) {
  const std::lock_guard lock(mutex_);
  users_[user_id].erase(role);
}

Task<absl::StatusOr<Roles>> FakeRoleStore::RolesOf(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  const auto user = users_.find(user_id);
  co_return user == users_.end() ? Roles() : user->second;
}

Task<absl::StatusOr<bool>> FakeRoleStore::UserExists(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  co_return users_.contains(user_id);
}

Task<absl::StatusOr<StoredRoleChange>> FakeRoleStore::Change(RoleChange change) {
  co_return Make(change, false);
}

Task<absl::StatusOr<StoredRoleChange>> FakeRoleStore::Found(RoleChange change) {
  co_return Make(change, true);
}

absl::StatusOr<StoredRoleChange> FakeRoleStore::Make(const RoleChange& change, bool as_founder) {
  const std::lock_guard lock(mutex_);
  const auto user = users_.find(change.user_id);
  if (user == users_.end()) {
    return Error(Reason::kUserNotFound, "no such user", {.param = "user_id"});
  }
  if (!changes_.contains(change.change_id)) {
    if (as_founder && (founders_.size() >= 2 || !founders_.insert(change.user_id).second)) {
      return Error(Reason::kProposalNeeded, "there were two first admins");
    }
    changes_.emplace(change.change_id, change);
    if (change.assigned) {
      user->second.insert(change.role);
    } else {
      user->second.erase(change.role);
    }
  }
  const RoleChange& known = changes_.at(change.change_id);
  const bool same = change.IsSameAs(known);
  return StoredRoleChange{.same_change = same,
                          .made = same && known.change_time == change.change_time,
                          .roles = user->second};
}

}  // namespace florin::auth
