// What must hold of bulks and their items. Rows of invariants.cc.
#pragma once

#include <set>

#include "tests/saga/invariants.h"

namespace florin::saga {

// What the ledger does for bulks, beside their payments' own transactions.
std::set<Uuid> BulkTransactions(const View& view);

// Always: of a bulk that was not submitted, waits for its payer or was canceled nothing is begun,
// and nobody else is paid by one that its payer did not approve where the policy asks for it.
void BulksBeginWhenTheyMay(World& world, const View& view, const Complain& complain);
// Always: once one item of all or nothing is paid, each other is, or is held.
void AllIsHeldOrNothingPaid(World& world, const View& view, const Complain& complain);

// Once it is quiet.
void BulksAreWhatWasSent(World& world, const View& view, const Complain& complain);
void BulksHaveEnded(World& world, const View& view, const Complain& complain);
// An item that succeeded has one payment, which is what was asked for; one that failed has moved
// nothing, for a reason that it can have.
void ItemsAreWhatTheySay(World& world, const View& view, const Complain& complain);

}  // namespace florin::saga
