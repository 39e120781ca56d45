// Rules broken on purpose, to see that the invariants find it.
#pragma once

#include <memory>
#include <string_view>

#include "services/payments/flow/payees_double.h"
#include "tests/saga/stores.h"
#include "tests/saga/wire.h"

namespace florin::saga {

enum class Mistake {
  kNone,
  kNewTransactionIds,  // Every attempt has an id of its own at the ledger.
  kNoReservation,      // A step that begins reserves nothing.
  kLostResults,        // A result that was answered is not kept.
  kForgottenKeys,      // No idempotency key is known again.
  kWrongDebt,          // What a payee came to owe is not noted.
  kNewRailIds,         // Every submission to the rail is a payout of its own.
  kDeafToRejections,   // What the rail rejects is taken for paid.
  kDepositsAnew,       // Every notification of a deposit is one of its own.
  kEarlyOccurrences,   // Scheduled payments are made an hour early.
  kLeftOccurrences,    // Every third occurrence is never taken up.
  kOtherOccurrences,   // Every occurrence is said to have succeeded.
  kOneMore,            // A limit lets one unit more pass.
  kShortWindows,       // What was paid is forgotten in a twentieth of the time.
  kOtherCountries,     // Limits by country are forgotten.
  kOtherPayees,        // So are limits by payee.
  kNoCredit,           // What goes to another book is captured without being credited there.
  kCreditsAnew,        // Every attempt to credit it there has an id of its own.
  kUnapprovedOrders,   // Schedules begin without the approval that they are to wait for.
  kOrdersGivenUp,      // Every third that was approved is given up all the same.
  kUnwatchedOrders,    // Nobody looks after those whose client is gone.
  kEarlyVoid,          // A hold between books is given up before it is known what becomes of it.
  kItemsAnew,          // Every other attempt at an item of a bulk is a payment of its own.
  kUnlimitedItems,     // Limits forget what bulks pay.
  kLostItems,          // Every fifth item is said to be added, and is not there.
  kLeftItems,          // Every third item is said to have failed, and was not tried.
  kOtherItems,         // Every item is said to have succeeded.
  kPartOfAll,          // What cannot be held of all or nothing is taken for held.
  kLeftHolds,          // What was held is not given back when nothing is paid.
  kUnapprovedBulks,    // Bulks begin as if they were approved.
  kCanceledBulks,      // A bulk goes on that is said to be canceled.
  kAnyPayee,           // Whoever is to be paid passes for saved.
  kDeletedPayees,      // Payees that were deleted stay.
  kNoCoolingOff,       // New ones are usable at once.
  kUnaskedPayees,      // Nobody is asked about a payout, whoever it goes to.
  kFreePayouts,        // The fee of a payout is forgotten.
  kKeptFees,           // What the rail rejects comes back without it.
  kOtherFees,          // That of one that is returned is kept where it is to go back, and so on.
};

struct MistakeRow {
  Mistake mistake;
  std::string_view name;
};
inline constexpr MistakeRow kMistakes[] = {
    {Mistake::kNewTransactionIds, "new transaction ids"},
    {Mistake::kNoReservation, "no reservation"},
    {Mistake::kLostResults, "lost results"},
    {Mistake::kForgottenKeys, "forgotten keys"},
    {Mistake::kWrongDebt, "wrong debt"},
    {Mistake::kNewRailIds, "new ids at the rail"},
    {Mistake::kDeafToRejections, "deaf to rejections"},
    {Mistake::kDepositsAnew, "deposits anew"},
    {Mistake::kEarlyOccurrences, "early occurrences"},
    {Mistake::kLeftOccurrences, "left occurrences"},
    {Mistake::kOtherOccurrences, "other occurrences"},
    {Mistake::kOneMore, "one more than the limit"},
    {Mistake::kShortWindows, "short windows"},
    {Mistake::kOtherCountries, "no limits by country"},
    {Mistake::kOtherPayees, "no limits by payee"},
    {Mistake::kNoCredit, "a capture without its credit"},
    {Mistake::kCreditsAnew, "credits anew"},
    {Mistake::kUnapprovedOrders, "unapproved orders"},
    {Mistake::kOrdersGivenUp, "approved orders given up"},
    {Mistake::kUnwatchedOrders, "unwatched orders"},
    {Mistake::kEarlyVoid, "voids before credits are decided"},
    {Mistake::kItemsAnew, "items anew"},
    {Mistake::kUnlimitedItems, "no limits of bulks"},
    {Mistake::kLostItems, "lost items"},
    {Mistake::kLeftItems, "left items"},
    {Mistake::kOtherItems, "other items"},
    {Mistake::kPartOfAll, "part of all or nothing"},
    {Mistake::kLeftHolds, "left holds"},
    {Mistake::kUnapprovedBulks, "unapproved bulks"},
    {Mistake::kCanceledBulks, "canceled bulks go on"},
    {Mistake::kAnyPayee, "any payee"},
    {Mistake::kDeletedPayees, "deleted payees"},
    {Mistake::kNoCoolingOff, "no cooling off"},
    {Mistake::kUnaskedPayees, "unasked payees"},
    {Mistake::kFreePayouts, "free payouts"},
    {Mistake::kKeptFees, "kept fees of what is rejected"},
    {Mistake::kOtherFees, "other fees of what is returned"},
};

// The stores, with this mistake if it is one of a store.
Stores MakeStores(Mistake mistake);
// The same of the payees that accounts keeps.
std::unique_ptr<payments::PayeesDouble> MakePayees(Mistake mistake);
// And of the wire.
void Spoil(Mistake mistake, Wire& wire);

}  // namespace florin::saga
