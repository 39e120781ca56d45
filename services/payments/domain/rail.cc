#include "services/payments/domain/rail.h"

#include "libs/status/check.h"

namespace florin::payments {

std::string_view NameOf(RailEvent event) {
  switch (event) {
    case RailEvent::kDeposit:
      return "deposit";
    case RailEvent::kSettled:
      return "settled";
    case RailEvent::kRejected:
      return "rejected";
    case RailEvent::kReturned:
      return "returned";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

absl::StatusOr<RailEvent> ParseRailEvent(std::string_view name) {
  for (const RailEvent event :
       {RailEvent::kDeposit, RailEvent::kSettled, RailEvent::kRejected, RailEvent::kReturned}) {
    if (name == NameOf(event)) return event;
  }
  return Error(Reason::kInternal, "no event of a rail has this name");
}

}  // namespace florin::payments
