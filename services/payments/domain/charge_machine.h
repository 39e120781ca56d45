// The state machines of refunds (and of every other step) and of disputes, as data; and all of
// them, with those of payments, payouts and rails' deposits, as the page docs/payments.md draws
// them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

enum class StepEvent { kBegin, kRefuse, kLedgerCommitted, kLedgerRefused };
enum class DisputeEvent {
  kOpened,
  kRespond,
  kTimeOver,
  kAccept,
  kWithdraw,
  kResolveWon,
  kResolveLost
};

std::string_view NameOf(StepEvent event);
std::string_view NameOf(DisputeEvent event);

struct StepTransition {
  std::optional<StepState> from;  // Nothing: the step does not exist yet.
  StepEvent event;
  Actor by;
  StepState to;
  std::string_view guard = {};
};

struct DisputeTransition {
  std::optional<DisputeState> from;  // Nothing: the dispute does not exist yet.
  DisputeEvent event;
  Actor by;
  DisputeState to;
  std::string_view guard = {};
};

// Every transition there is.
std::span<const StepTransition> RefundTransitions();
std::span<const DisputeTransition> DisputeTransitions();

// As NextState() of payments. That of refunds holds for every kind of step.
std::optional<StepState> NextState(std::optional<StepState> from, StepEvent event);
std::optional<DisputeState> NextState(std::optional<DisputeState> from, DisputeEvent event,
                                      Actor by);

bool IsTerminal(DisputeState state);

// Tables and diagrams (Mermaid) of the machines, in Markdown.
std::string DrawStateMachines();

}  // namespace florin::payments
