#include "services/payments/domain/charge_machine.h"

#include <algorithm>

#include "libs/status/check.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/rail_deposit.h"

namespace florin::payments {
namespace {

constexpr StepTransition kRefunds[] = {
    {std::nullopt, StepEvent::kBegin, Actor::kPayee, StepState::kProcessing,
     "not more than captured less refunded and disputed"},
    {std::nullopt, StepEvent::kRefuse, Actor::kPayee, StepState::kFailed, "more than that"},
    {StepState::kProcessing, StepEvent::kLedgerCommitted, Actor::kLedger, StepState::kSucceeded},
    {StepState::kProcessing, StepEvent::kLedgerRefused, Actor::kLedger, StepState::kFailed},
};

constexpr DisputeTransition kDisputes[] = {
    {std::nullopt, DisputeEvent::kOpened, Actor::kOwner, DisputeState::kNeedsResponse,
     "not more than captured less refunded, disputed and upheld; the ledger has withdrawn it"},
    {DisputeState::kNeedsResponse, DisputeEvent::kRespond, Actor::kPayee,
     DisputeState::kUnderReview, "until the response is due, not being decided"},
    {DisputeState::kUnderReview, DisputeEvent::kRespond, Actor::kPayee, DisputeState::kUnderReview,
     "until the response is due, not being decided"},
    {DisputeState::kNeedsResponse, DisputeEvent::kTimeOver, Actor::kWorker,
     DisputeState::kUnderReview, "the response was due"},
    {DisputeState::kNeedsResponse, DisputeEvent::kAccept, Actor::kPayee, DisputeState::kLost},
    {DisputeState::kUnderReview, DisputeEvent::kAccept, Actor::kPayee, DisputeState::kLost},
    {DisputeState::kNeedsResponse, DisputeEvent::kWithdraw, Actor::kOwner,
     DisputeState::kWithdrawn},
    {DisputeState::kUnderReview, DisputeEvent::kWithdraw, Actor::kOwner, DisputeState::kWithdrawn},
    {DisputeState::kUnderReview, DisputeEvent::kResolveWon, Actor::kOperator, DisputeState::kWon},
    {DisputeState::kUnderReview, DisputeEvent::kResolveLost, Actor::kOperator, DisputeState::kLost},
};

template <class S>
std::string StateText(const std::optional<S>& state) {
  if (!state) return "–";
  std::string text(NameOf(*state));
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

template <class Row>
std::string Draw(std::string_view title, std::span<const Row> rows) {
  std::string table = "| from | event | by | to | if |\n|---|---|---|---|---|\n";
  std::string diagram = "```mermaid\nstateDiagram-v2\n";
  for (const Row& row : rows) {
    const std::string to = StateText(std::optional(row.to));
    table += "| " + StateText(row.from) + " | " + std::string(NameOf(row.event)) + " | " +
             std::string(NameOf(row.by)) + " | " + to + " | " + std::string(row.guard) + " |\n";
    diagram += "  " + (row.from ? StateText(row.from) : std::string("[*]")) + " --> " + to + ": " +
               std::string(NameOf(row.event)) + "\n";
  }
  return "### " + std::string(title) + "\n\n" + table + "\n" + diagram + "```\n\n";
}

}  // namespace

std::string_view NameOf(StepEvent event) {
  switch (event) {
    case StepEvent::kBegin:
      return "begin";
    case StepEvent::kRefuse:
      return "refuse";
    case StepEvent::kLedgerCommitted:
      return "ledger_committed";
    case StepEvent::kLedgerRefused:
      return "ledger_refused";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

std::string_view NameOf(DisputeEvent event) {
  switch (event) {
    case DisputeEvent::kOpened:
      return "opened";
    case DisputeEvent::kRespond:
      return "respond";
    case DisputeEvent::kTimeOver:
      return "time_over";
    case DisputeEvent::kAccept:
      return "accept";
    case DisputeEvent::kWithdraw:
      return "withdraw";
    case DisputeEvent::kResolveWon:
      return "resolve_won";
    case DisputeEvent::kResolveLost:
      return "resolve_lost";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

std::span<const StepTransition> RefundTransitions() { return kRefunds; }
std::span<const DisputeTransition> DisputeTransitions() { return kDisputes; }

std::optional<StepState> NextState(std::optional<StepState> from, StepEvent event) {
  for (const StepTransition& row : kRefunds) {
    if (row.from == from && row.event == event) return row.to;
  }
  return std::nullopt;
}

std::optional<DisputeState> NextState(std::optional<DisputeState> from, DisputeEvent event,
                                      Actor by) {
  for (const DisputeTransition& row : kDisputes) {
    if (row.from == from && row.event == event && row.by == by) return row.to;
  }
  return std::nullopt;
}

bool IsTerminal(DisputeState state) {
  return std::ranges::none_of(kDisputes,
                              [state](const DisputeTransition& row) { return row.from == state; });
}

std::string DrawStateMachines() {
  return Draw("Payment", Transitions()) + Draw("Refund", RefundTransitions()) +
         Draw("Dispute", DisputeTransitions()) + Draw("Payout", PayoutTransitions()) +
         Draw("Deposit of a rail", DepositTransitions());
}

}  // namespace florin::payments
