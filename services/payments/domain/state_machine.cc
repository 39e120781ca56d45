#include "services/payments/domain/state_machine.h"

#include <algorithm>

namespace florin::payments {
namespace {

constexpr Transition kTransitions[] = {
    {std::nullopt, Event::kCreate, Actor::kOwner, State::kProcessing},
    {std::nullopt, Event::kCreateForApproval, Actor::kOwner, State::kRequiresAction},
    {State::kRequiresAction, Event::kApprovalRedeemed, Actor::kAuth, State::kProcessing},
    {State::kRequiresAction, Event::kApprovalRefused, Actor::kAuth, State::kCanceled},
    {State::kRequiresAction, Event::kCancel, Actor::kOwner, State::kCanceled},
    {State::kProcessing, Event::kLedgerCommitted, Actor::kLedger, State::kSucceeded},
    {State::kProcessing, Event::kLedgerRefused, Actor::kLedger, State::kFailed},
};

}  // namespace

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
  return std::ranges::none_of(kTransitions,
                              [state](const Transition& row) { return row.from == state; });
}

}  // namespace florin::payments
