// What must hold of payments between two books of the ledger, for the table in invariants.cc.
#pragma once

#include <set>
#include <string>

#include "tests/saga/invariants.h"

namespace florin::saga {

// Transactions of transfers that may be in this book, beside payments' own.
std::set<Uuid> TransferTransactions(const View& view, const std::string& book);

// Always: whatever the payee has got, the payer's book holds or has captured.
void CreditsAreCovered(World& world, const View& view, const Complain& complain);

// Once it is quiet.
void TransfersAgreeWithBothBooks(World& world, const View& view, const Complain& complain);
void ClearingNetsToZero(World& world, const View& view, const Complain& complain);

}  // namespace florin::saga
