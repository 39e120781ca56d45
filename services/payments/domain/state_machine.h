// The published state machine of a payment, as data.
//
//        create (owner)                  ledger committed (ledger)
//   ·  ---------------------> PROCESSING  --------------------------->  SUCCEEDED
//   |                          ^       \     ledger refused (ledger)
//   |                          |        --------------------------->   FAILED
//   |                          |  approval redeemed (auth)
//   |                          |
//    ---------------> REQUIRES_ACTION  -------------------------------> CANCELED
//     create for approval (owner)         cancel (owner)
//                                         approval refused (auth): expired, declined, void
//
// SUCCEEDED, FAILED and CANCELED are terminal: no transition leaves them. Only the ledger's answer
// ends a payment in PROCESSING, and only a redeemed approval brings one there that requires action;
// whether a request or the recovery worker fetched that answer makes no difference. The store keeps
// the same rules once more in SQL.
#pragma once

#include <optional>
#include <span>

#include "services/payments/domain/payment.h"

namespace florin::payments {

enum class Event {
  kCreate,
  kCreateForApproval,
  kApprovalRedeemed,
  kApprovalRefused,
  kCancel,
  kLedgerCommitted,
  kLedgerRefused
};

// Who may cause an event.
enum class Actor {
  kOwner,   // The user who makes the payment.
  kAuth,    // Auth, by its answer about the payment's approval.
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
