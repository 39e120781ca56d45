#include "services/payments/store/reconcile_store.h"

#include <algorithm>
#include <array>
#include <utility>

namespace florin::payments {
namespace {

constexpr std::array<std::pair<DiscrepancyState, std::string_view>, 3> kStates = {{
    {DiscrepancyState::kOpen, "open"},
    {DiscrepancyState::kAgreed, "agreed"},
    {DiscrepancyState::kResolved, "resolved"},
}};

}  // namespace

std::string_view NameOf(DiscrepancyState state) {
  return std::ranges::find(kStates, state, &decltype(kStates)::value_type::first)->second;
}

absl::StatusOr<DiscrepancyState> ParseDiscrepancyState(std::string_view name) {
  const auto found = std::ranges::find(kStates, name, &decltype(kStates)::value_type::second);
  if (found != kStates.end()) return found->first;
  return Error(Reason::kInternal, "no state of a discrepancy");
}

std::string_view NameOf(Walk walk) {
  switch (walk) {
    case Walk::kPayments:
      return "payments";
    case Walk::kSteps:
      return "steps";
    case Walk::kLedger:
      return "ledger";
  }
  return "";
}

audit::Event Resolved(const Resolution& resolution, absl::Time now) {
  audit::Event event;
  event.action = "payments.discrepancy.resolve";
  event.subject = FormatId(IdKind::kDiscrepancy, resolution.discrepancy_id);
  event.event_id = DeriveId("florin." + event.action, event.subject);
  event.time = now;
  event.actor = FormatId(IdKind::kUser, resolution.user_id);
  event.origin = resolution.origin;
  return event;
}

audit::Event TakenUpAgain(const Uuid& payment_id, const Uuid& operator_id, absl::Time now,
                          const audit::Origin& origin) {
  audit::Event event;
  event.action = "payments.payment.retry";
  event.subject = FormatId(IdKind::kPayment, payment_id);
  // Each time that it was parked: a repetition finds nothing parked.
  event.event_id = DeriveId("florin." + event.action,
                            event.subject + " " + std::to_string(absl::ToUnixMicros(now)));
  event.time = now;
  event.actor = FormatId(IdKind::kUser, operator_id);
  event.origin = origin;
  return event;
}

}  // namespace florin::payments
