// Wires API keys, roles and proposals.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "libs/rpc/service.h"
#include "services/auth/flow/api_keys.h"
#include "services/auth/flow/role_changes.h"
#include "services/auth/rpc/api_keys_rpc.h"
#include "services/auth/rpc/proposals_rpc.h"
#include "services/auth/rpc/refused_attempts.h"
#include "services/auth/rpc/roles_rpc.h"
#include "services/auth/store/pg_api_key_store.h"
#include "services/auth/store/pg_proposal_store.h"
#include "services/auth/store/pg_role_store.h"

namespace florin::auth {

// Thread-safe. The arguments of the constructor outlive it.
class MachineAccess {
 public:
  // What the pool is to be made with, besides others' statements.
  static std::vector<pg::Statement> Statements();

  // `pool` has Statements(). The mode of the keys is --mode; ends the process if that is none.
  MachineAccess(pg::Pool& pool, audit::Recorder& recorder);

  RoleStore& roles() { return roles_; }
  // To serve, along with others.
  void AddTo(std::vector<rpc::Service*>& services);

 private:
  PgApiKeyStore keys_;
  PgRoleStore roles_;
  PgProposalStore proposals_;
  ApiKeys api_keys_;
  RoleChanges role_changes_;
  RefusedAttempts refused_;
  ApiKeysRpc api_keys_rpc_;
  RolesRpc roles_rpc_;
  ProposalsRpc proposals_rpc_;
};

}  // namespace florin::auth
