// The published state machine of a payment, as data.
//
//        create (owner)               ledger committed (ledger)
//   ·  ----------------->  PROCESSING  ----------------------->  SUCCEEDED
//                                   \   ledger refused (ledger)
//                                    ----------------------->    FAILED
//
// SUCCEEDED and FAILED are terminal: no transition leaves them. Only the ledger's answer ends a
// payment; whether a request or the recovery worker fetched that answer makes no difference. The
// store keeps the same rule once more in SQL.
#pragma once

#include <optional>
#include <span>

#include "services/payments/domain/payment.h"

namespace florin::payments {

enum class Event { kCreate, kLedgerCommitted, kLedgerRefused };

// Who may cause an event.
enum class Actor {
  kOwner,   // The user who makes the payment.
  kLedger,  // The ledger, by its answer about the payment's transaction.
};

struct Transition {
  std::optional<State> from;  // Nothing: the payment does not exist yet.
  Event event;
  Actor by;
  State to;
};

// Every transition there is.
std::span<const Transition> Transitions();

// The state that `event` caused by `by` leads to, or nothing where the table has no such
// transition.
std::optional<State> NextState(std::optional<State> from, Event event, Actor by);

bool IsTerminal(State state);

}  // namespace florin::payments
