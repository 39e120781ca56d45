#include "services/auth/main_machine_access.h"

#include <utility>

namespace florin::auth {

std::vector<pg::Statement> MachineAccess::Statements() {
  std::vector<pg::Statement> all = PgApiKeyStore::Statements();
  for (auto&& statements : {PgRoleStore::Statements(), PgProposalStore::Statements()}) {
    all.insert(all.end(), statements.begin(), statements.end());
  }
  return all;
}

void MachineAccess::AddTo(std::vector<rpc::Service*>& services) {
  services.insert(services.end(), {&api_keys_rpc_, &roles_rpc_, &proposals_rpc_});
}

}  // namespace florin::auth
