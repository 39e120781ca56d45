// What must hold of payouts, deposits, limits and schedules. Rows of invariants.cc.
#pragma once

#include "tests/saga/invariants.h"

namespace florin::saga {

// No account of the ledger is a limit's but these.
std::set<Uuid> LimitAccounts(const View& view);
// What the ledger does for payouts, deposits and limits.
std::set<Uuid> OrderTransactions(World& world, const View& view);

void LimitsAreKept(World& world, const View& view, const Complain& complain);
void LimitsAreWhole(World& world, const View& view, const Complain& complain);
void PayoutsAgreeWithTheRail(World& world, const View& view, const Complain& complain);
void TheRailPaysWhatWasAsked(World& world, const View& view, const Complain& complain);
void DepositsHaveEnded(World& world, const View& view, const Complain& complain);
// Always: nobody is told that the fee of what has ended is set aside.
void EndedPayoutsHoldNoFee(World& world, const View& view, const Complain& complain);
void FeesOfPayoutsAreTakenOnce(World& world, const View& view, const Complain& complain);
void TheNostroIsWhatTheRailHas(World& world, const View& view, const Complain& complain);
void AnOccurrenceIsPaidOnce(World& world, const View& view, const Complain& complain);
// Always: nothing of an order begins before its payer has approved it.
void OrdersWaitForTheirPayers(World& world, const View& view, const Complain& complain);
// Once it is quiet: an order has begun as it was approved, or it waits, or it was given up.
void OrdersBeginAsApproved(World& world, const View& view, const Complain& complain);

}  // namespace florin::saga
