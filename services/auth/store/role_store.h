// What auth keeps of users' roles, and every change of them.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/role.h"

namespace florin::auth {

struct RoleChange {
  Uuid change_id;  // Takes effect once.
  Uuid user_id;
  Role role = Role::kMerchant;
  bool assigned = true;    // false: removed
  std::string changed_by;  // The certificate's name.
  std::optional<Uuid> proposal_id = {};
  absl::Time change_time;  // Whole microseconds.
  audit::Origin origin = {};

  // The same wish, whenever it was made.
  bool IsSameAs(const RoleChange& other) const {
    return user_id == other.user_id && role == other.role && assigned == other.assigned &&
           proposal_id == other.proposal_id;
  }
};

// How a change was made that has this id now.
struct StoredRoleChange {
  bool same_change = false;  // Whether it was the same wish.
  bool made = false;         // By a call with this very `change_time`.
  Roles roles;               // The user's, afterwards.
};

// Every change is in the audit trail, by its own transaction, as auth.role.assign and
// auth.role.remove. Thread-safe. Every method is idempotent, so that it may be repeated after
// kUnavailable. Errors besides those named: kUnavailable (the outcome of a write is then unknown),
// kInternal.
class RoleStore {
 public:
  virtual ~RoleStore() = default;

  // Nobody's for a user who does not exist.
  virtual Task<absl::StatusOr<Roles>> RolesOf(Uuid user_id) = 0;

  // Whether there is such a user.
  virtual Task<absl::StatusOr<bool>> UserExists(Uuid user_id) = 0;

  // Makes a change, unless one with this id was made. Error: kUserNotFound.
  virtual Task<absl::StatusOr<StoredRoleChange>> Change(RoleChange change) = 0;

  // Makes somebody one of the first two admins, as Change() does. Of any number at once two are
  // made. Errors: kProposalNeeded if both places are taken; kUserNotFound.
  virtual Task<absl::StatusOr<StoredRoleChange>> Found(RoleChange change) = 0;
};

}  // namespace florin::auth
