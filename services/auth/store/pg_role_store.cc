#include "services/auth/store/pg_role_store.h"

#include <functional>
#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

constexpr char kRolesOf[] = "SELECT role FROM user_roles WHERE user_id = $1::uuid AND assigned";

constexpr char kUserExists[] = "SELECT 1 FROM users WHERE user_id = $1::uuid";

// Waits for a concurrent change of the same id.
constexpr char kInsertChange[] =
    "INSERT INTO role_changes (change_id, user_id, role, assigned, changed_by, proposal_id, "
    "change_time) VALUES ($1::uuid, $2::uuid, $3, $4::boolean, $5, $6::uuid, "
    "timestamptz 'epoch' + $7::bigint * interval '1 microsecond') "
    "ON CONFLICT (change_id) DO NOTHING";

constexpr char kFindChange[] =
    "SELECT user_id, role, assigned, proposal_id, "
    "(extract(epoch FROM change_time) * 1000000)::bigint "
    "FROM role_changes WHERE change_id = $1::uuid";

constexpr char kSetRole[] =
    "INSERT INTO user_roles (user_id, role, assigned) VALUES ($1::uuid, $2, $3::boolean) "
    "ON CONFLICT (user_id, role) DO UPDATE SET assigned = excluded.assigned";

// One at a time; the key is arbitrary, and no other statement's.
constexpr char kLockFounders[] = "SELECT pg_advisory_xact_lock(4700062811)";

constexpr char kInsertFounder[] =
    "INSERT INTO founders (place, user_id, change_id) "
    "SELECT count(*) + 1, $1::uuid, $2::uuid FROM founders HAVING count(*) < 2 "
    "ON CONFLICT (user_id) DO NOTHING";

absl::StatusOr<Role> RoleNamed(const char* name) {
  const absl::StatusOr<Role> role = ParseAssignableRole(name);
  if (!role.ok()) return Error(Reason::kInternal, "the table has a role that is none");
  return role;
}

absl::StatusOr<Roles> ReadRoles(pqxx::transaction_base& transaction, const Uuid& user_id) {
  Roles roles;
  for (const auto& row : transaction.exec_prepared("roles_of", user_id.ToString())) {
    FLORIN_ASSIGN_OR_RETURN(const Role role, RoleNamed(row[0].c_str()));
    roles.insert(role);
  }
  return roles;
}

bool Exists(pqxx::transaction_base& transaction, const Uuid& user_id) {
  return !transaction.exec_prepared("role_user_exists", user_id.ToString()).empty();
}

absl::StatusOr<StoredRoleChange> ReadChange(pqxx::transaction_base& transaction,
                                            const RoleChange& wish) {
  const pqxx::result rows =
      transaction.exec_prepared("role_find_change", wish.change_id.ToString());
  FLORIN_CHECK(rows.size() == 1, "a change of this id was just inserted or found");
  const pqxx::row row = rows[0];
  RoleChange known;
  FLORIN_ASSIGN_OR_RETURN(known.user_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(known.role, RoleNamed(row[1].c_str()));
  known.assigned = row[2].as<bool>();
  if (!row[3].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(known.proposal_id, Uuid::Parse(row[3].c_str()));
  }
  StoredRoleChange stored;
  stored.same_change = wish.IsSameAs(known);
  stored.made =
      stored.same_change && row[4].as<std::int64_t>() == absl::ToUnixMicros(wish.change_time);
  FLORIN_ASSIGN_OR_RETURN(stored.roles, ReadRoles(transaction, wish.user_id));
  return stored;
}

// Whether the change is new; then it is made.
bool InsertChange(pqxx::work& transaction, const RoleChange& change) {
  const std::string user = change.user_id.ToString();
  const std::string role(NameOf(change.role));
  std::optional<std::string> proposal;
  if (change.proposal_id) proposal = change.proposal_id->ToString();
  const pqxx::result inserted = transaction.exec_prepared(
      "role_insert_change", change.change_id.ToString(), user, role, change.assigned,
      change.changed_by, proposal, absl::ToUnixMicros(change.change_time));
  if (inserted.affected_rows() == 0) return false;
  transaction.exec_prepared("role_set", user, role, change.assigned);
  return true;
}

absl::Status NoSuchUser() {
  return Error(Reason::kUserNotFound, "no such user", {.param = "user_id"});
}

}  // namespace

std::vector<pg::Statement> PgRoleStore::Statements() {
  return {{"roles_of", kRolesOf},
          {"role_user_exists", kUserExists},
          {"role_insert_change", kInsertChange},
          {"role_find_change", kFindChange},
          {"role_set", kSetRole},
          {"role_lock_founders", kLockFounders},
          {"role_insert_founder", kInsertFounder}};
}

namespace {

audit::Event EventOf(const RoleChange& change) {
  audit::Event event;
  event.event_id = DeriveId("florin.auth.role.change", change.change_id.ToString());
  event.time = change.change_time;
  event.action = change.assigned ? "auth.role.assign" : "auth.role.remove";
  event.actor = change.changed_by;
  event.subject = FormatId(IdKind::kUser, change.user_id);
  event.details["role"] = std::string(NameOf(change.role));
  if (change.proposal_id) {
    event.details["proposal_id"] = FormatId(IdKind::kProposal, *change.proposal_id);
  }
  event.origin = change.origin;
  return event;
}

}  // namespace

Task<absl::StatusOr<Roles>> PgRoleStore::RolesOf(Uuid user_id) {
  std::function<absl::StatusOr<Roles>(pqxx::transaction_base&)> work =
      [user_id](pqxx::transaction_base& transaction) { return ReadRoles(transaction, user_id); };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<bool>> PgRoleStore::UserExists(Uuid user_id) {
  std::function<absl::StatusOr<bool>(pqxx::transaction_base&)> work =
      [user_id](pqxx::transaction_base& transaction) -> absl::StatusOr<bool> {
    return Exists(transaction, user_id);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredRoleChange>> PgRoleStore::Change(RoleChange change) {
  std::function<absl::StatusOr<StoredRoleChange>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&change](pqxx::work& transaction,
                std::vector<audit::Event>& events) -> absl::StatusOr<StoredRoleChange> {
    if (!Exists(transaction, change.user_id)) return NoSuchUser();
    if (InsertChange(transaction, change)) events.push_back(EventOf(change));
    return ReadChange(transaction, change);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<StoredRoleChange>> PgRoleStore::Found(RoleChange change) {
  std::function<absl::StatusOr<StoredRoleChange>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&change](pqxx::work& transaction,
                std::vector<audit::Event>& events) -> absl::StatusOr<StoredRoleChange> {
    if (!Exists(transaction, change.user_id)) return NoSuchUser();
    transaction.exec_prepared("role_lock_founders");
    if (InsertChange(transaction, change)) {
      events.push_back(EventOf(change));
      const pqxx::result founder = transaction.exec_prepared(
          "role_insert_founder", change.user_id.ToString(), change.change_id.ToString());
      if (founder.affected_rows() == 0) {
        return Error(Reason::kProposalNeeded, "there were two first admins");
      }
    }
    return ReadChange(transaction, change);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

}  // namespace florin::auth
