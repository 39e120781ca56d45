#include "services/auth/main_machine_access.h"

#include <string>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/crypto/api_key.h"
#include "libs/ids/ids.h"

ABSL_FLAG(
    std::string, mode, "test",
    "What this deployment's API keys are for: `test` (play money) or `live`. Keys of the other "
    "mode are refused with api_key_wrong_mode.");

namespace florin::auth {
namespace {

crypto::ApiKeyMode ModeOrExit() {
  const auto mode = crypto::ApiKeyModeFromName(absl::GetFlag(FLAGS_mode));
  if (!mode) {
    config::ExitIfError(Error(Reason::kInvalidField, "`test` or `live`"), "reading --mode");
  }
  return *mode;
}

}  // namespace

std::vector<pg::Statement> MachineAccess::Statements() {
  std::vector<pg::Statement> all = PgApiKeyStore::Statements();
  for (const auto& statements : {PgRoleStore::Statements(), PgProposalStore::Statements()}) {
    all.insert(all.end(), statements.begin(), statements.end());
  }
  return all;
}

MachineAccess::MachineAccess(pg::Pool& pool, audit::Recorder& recorder)
    : keys_(pool),
      roles_(pool),
      proposals_(pool),
      api_keys_(keys_, roles_, SystemClock(), SystemIds(), ModeOrExit()),
      role_changes_(roles_, proposals_, SystemClock()),
      refused_(recorder, SystemClock(), SystemIds()),
      api_keys_rpc_(api_keys_, keys_, refused_),
      roles_rpc_(role_changes_, roles_, refused_),
      proposals_rpc_(proposals_, roles_, refused_, SystemClock(), SystemIds()) {}

void MachineAccess::AddTo(std::vector<rpc::Service*>& services) {
  services.insert(services.end(), {&api_keys_rpc_, &roles_rpc_, &proposals_rpc_});
}

}  // namespace florin::auth
