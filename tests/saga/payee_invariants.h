// What must hold of whom payers have saved (docs/payees.md). Rows of invariants.cc.
#pragma once

#include "tests/saga/invariants.h"

namespace florin::saga {

// Always: of transfers, also of schedules and bulks, where the deployment wants that.
void WhoIsPaidWasSaved(World& world, const View& view, const Complain& complain);
// Always: or the payer is asked, as the deployment wants; and not for those who were saved, where
// no policy is to ask.
void PayoutsGoToPayees(World& world, const View& view, const Complain& complain);

}  // namespace florin::saga
