// Opening accounts as both stores do it: as commands of a batch that is kept only if none is
// refused. Pure.
#pragma once

#include <vector>

#include "services/ledger/domain/command.h"

namespace florin::ledger {

std::vector<Command> OpeningsOf(const std::vector<AccountTerms>& accounts);

// kIdConflict with `param` "accounts[i].field" for the first that is open with other terms.
absl::Status CheckOpenings(const std::vector<Outcome>& outcomes);

}  // namespace florin::ledger
