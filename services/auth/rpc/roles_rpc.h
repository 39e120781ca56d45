// florin.auth.v1.Roles over gRPC.
#pragma once

#include "florin/auth/v1/roles.rpc.h"
#include "services/auth/flow/role_changes.h"
#include "services/auth/rpc/refused_attempts.h"
#include "services/auth/store/role_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class RolesRpc : public v1::RolesService {
 public:
  RolesRpc(RoleChanges& changes, RoleStore& store, RefusedAttempts& refused)
      : changes_(changes), store_(store), refused_(refused) {}

  Task<absl::StatusOr<v1::UserRoles>> AssignRole(rpc::Call& call,
                                                 const v1::ChangeRoleRequest& request) override;
  Task<absl::StatusOr<v1::UserRoles>> RemoveRole(rpc::Call& call,
                                                 const v1::ChangeRoleRequest& request) override;
  Task<absl::StatusOr<v1::UserRoles>> GetUserRoles(rpc::Call& call,
                                                   const v1::GetUserRolesRequest& request) override;

 private:
  Task<absl::StatusOr<v1::UserRoles>> Change(rpc::Call& call, const v1::ChangeRoleRequest& request,
                                             bool assigned);

  RoleChanges& changes_;
  RoleStore& store_;
  RefusedAttempts& refused_;
};

}  // namespace florin::auth
