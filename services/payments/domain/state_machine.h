// The published state machine of a payment, as data. docs/payments.md draws it, with those of
// refunds and disputes (charge_machine.h).
//
// SUCCEEDED, FAILED, CANCELED and RETURNED are terminal: no transition leaves them, but that a
// payout that has SUCCEEDED may be RETURNED by its rail. Only the ledger's answer, and a rail's
// about a payout (whose own way there is in payout.h),
// ends a payment in PROCESSING or REQUIRES_CAPTURE, and only a redeemed approval brings one to
// PROCESSING that requires action; whether a request or the recovery worker fetched that answer
// makes no difference. The store keeps the same rules once more in SQL.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "services/payments/domain/payment.h"

namespace florin::payments {

enum class Event {
  kCreate,
  kCreateForApproval,
  kApprovalRedeemed,
  kApprovalRefused,
  kCancel,
  kLedgerCommitted,
  kLedgerRefused,
  kLedgerHeld,
  // What begins a step of an authorization.
  kCapture,
  kVoid,
  kExpire,
  // What the ledger's answer about such a step makes of the payment.
  kCapturedPart,
  kCapturedLast,
  kReleasedRest,
  kReleasedAll,
  // Of a payout.
  kLedgerReserved,
  kCancelUnsent,
  kRailSettled,
  kRailRejected,
  kRailReturned,
};

// Who may cause an event.
enum class Actor {
  kOwner,     // The user who makes the payment.
  kAuth,      // Auth, by its answer about the payment's approval.
  kLedger,    // The ledger, by its answer about a transaction of the payment.
  kPayee,     // The owner of the destination.
  kWorker,    // The recovery worker, when a time is over.
  kOperator,  // Whoever may resolve disputes.
  kRail,      // A rail, by its answer about a payout, once that is booked.
};

// Names for people and metrics: "ledger_committed", "payee", …
std::string_view NameOf(Event event);
std::string_view NameOf(Actor actor);

struct Transition {
  std::optional<State> from;  // Nothing: the payment does not exist yet.
  Event event;
  Actor by;
  State to;
  std::string_view guard = {};  // What else must be so: step_rules.h checks it.
};

// Every transition there is.
std::span<const Transition> Transitions();

// The state that `event` caused by `by` leads to, or nothing where the table has no such
// transition.
std::optional<State> NextState(std::optional<State> from, Event event, Actor by);

// Whether the payment has ended (a payout that has may still be returned).
bool IsTerminal(State state);

}  // namespace florin::payments
