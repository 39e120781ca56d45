#include "services/payments/domain/state_machine.h"

#include <algorithm>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

constexpr Transition kTransitions[] = {
    {std::nullopt, Event::kCreate, Actor::kOwner, State::kProcessing},
    {std::nullopt, Event::kCreateForApproval, Actor::kOwner, State::kRequiresAction},
    {State::kRequiresAction, Event::kApprovalRedeemed, Actor::kAuth, State::kProcessing},
    {State::kRequiresAction, Event::kApprovalRefused, Actor::kAuth, State::kCanceled},
    {State::kRequiresAction, Event::kCancel, Actor::kOwner, State::kCanceled},
    {State::kProcessing, Event::kLedgerCommitted, Actor::kLedger, State::kSucceeded,
     "captured automatically"},
    {State::kProcessing, Event::kLedgerHeld, Actor::kLedger, State::kRequiresCapture,
     "captured manually"},
    {State::kProcessing, Event::kLedgerRefused, Actor::kLedger, State::kFailed},
    {State::kRequiresCapture, Event::kCapture, Actor::kPayee, State::kRequiresCapture,
     "not more than is left, nothing released"},
    {State::kRequiresCapture, Event::kVoid, Actor::kPayee, State::kRequiresCapture,
     "nothing released"},
    {State::kRequiresCapture, Event::kExpire, Actor::kWorker, State::kRequiresCapture,
     "its time is over, nothing released"},
    {State::kRequiresCapture, Event::kCapturedPart, Actor::kLedger, State::kRequiresCapture,
     "something is left, or in flight"},
    {State::kRequiresCapture, Event::kCapturedLast, Actor::kLedger, State::kSucceeded,
     "final, or nothing is left; nothing in flight"},
    {State::kRequiresCapture, Event::kReleasedRest, Actor::kLedger, State::kSucceeded,
     "something was captured; nothing in flight"},
    {State::kRequiresCapture, Event::kReleasedAll, Actor::kLedger, State::kCanceled,
     "nothing was captured; nothing in flight"},
    {State::kProcessing, Event::kLedgerReserved, Actor::kLedger, State::kProcessing, "a payout"},
    {State::kProcessing, Event::kCancelUnsent, Actor::kOwner, State::kCanceled,
     "a payout that was not sent"},
    {State::kProcessing, Event::kRailSettled, Actor::kRail, State::kSucceeded, "a payout, booked"},
    {State::kProcessing, Event::kRailRejected, Actor::kRail, State::kFailed,
     "a payout, the money is back"},
    {State::kSucceeded, Event::kRailReturned, Actor::kRail, State::kReturned,
     "a payout, the money is back"},
};

}  // namespace

std::string_view NameOf(Event event) {
  switch (event) {
    case Event::kCreate:
      return "create";
    case Event::kCreateForApproval:
      return "create_for_approval";
    case Event::kApprovalRedeemed:
      return "approval_redeemed";
    case Event::kApprovalRefused:
      return "approval_refused";
    case Event::kCancel:
      return "cancel";
    case Event::kLedgerCommitted:
      return "ledger_committed";
    case Event::kLedgerRefused:
      return "ledger_refused";
    case Event::kLedgerHeld:
      return "ledger_held";
    case Event::kCapture:
      return "capture";
    case Event::kVoid:
      return "void";
    case Event::kExpire:
      return "expire";
    case Event::kCapturedPart:
      return "captured_part";
    case Event::kCapturedLast:
      return "captured_last";
    case Event::kReleasedRest:
      return "released_rest";
    case Event::kReleasedAll:
      return "released_all";
    case Event::kLedgerReserved:
      return "ledger_reserved";
    case Event::kCancelUnsent:
      return "cancel_unsent";
    case Event::kRailSettled:
      return "rail_settled";
    case Event::kRailRejected:
      return "rail_rejected";
    case Event::kRailReturned:
      return "rail_returned";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

std::string_view NameOf(Actor actor) {
  switch (actor) {
    case Actor::kOwner:
      return "payer";
    case Actor::kAuth:
      return "auth";
    case Actor::kLedger:
      return "ledger";
    case Actor::kPayee:
      return "payee";
    case Actor::kWorker:
      return "worker";
    case Actor::kOperator:
      return "operator";
    case Actor::kRail:
      return "rail";
  }
  FLORIN_CHECK(false, "every actor has a name");
  return {};
}

std::span<const Transition> Transitions() { return kTransitions; }

std::optional<State> NextState(std::optional<State> from, Event event, Actor by) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == from && transition.event == event && transition.by == by) {
      return transition.to;
    }
  }
  return std::nullopt;
}

bool IsTerminal(State state) {
  return std::ranges::none_of(kTransitions, [state](const Transition& row) {
    return row.from == state && row.event != Event::kRailReturned;
  });
}

}  // namespace florin::payments
