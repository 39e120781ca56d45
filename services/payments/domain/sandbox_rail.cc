#include "services/payments/domain/sandbox_rail.h"

namespace florin::payments {

SandboxPlan PlanOf(const Beneficiary& beneficiary) {
  const std::string& account = beneficiary.account;
  const std::string ending = account.size() < 4 ? account : account.substr(account.size() - 4);
  if (ending == "9001") return {.events = {{RailEvent::kSettled, absl::Hours(1)}}};
  if (ending == "9002") return {.events = {{RailEvent::kRejected, absl::ZeroDuration(), "AC01"}}};
  if (ending == "9003") {
    return {.events = {{RailEvent::kSettled, absl::ZeroDuration()},
                       {RailEvent::kReturned, absl::Hours(24), "AC04"}}};
  }
  if (ending == "9004") {
    return {.events = {{RailEvent::kSettled, absl::ZeroDuration(), "", 3}}};
  }
  if (ending == "9005") {
    return {.silence = absl::Hours(1), .events = {{RailEvent::kSettled, {}, "", 0}}};
  }
  if (ending == "9006") {
    return {.events = {{RailEvent::kSettled, {}}, {RailEvent::kSettled, {}, "", 0}}};
  }
  if (ending == "9007") {
    return {.events = {{.event = RailEvent::kSettled, .after = {}, .charged = true}}};
  }
  if (ending == "9008") {
    return {.events = {{.event = RailEvent::kSettled, .after = {}, .on_statement = false}}};
  }
  if (ending == "9009") {
    return {
        .events = {{RailEvent::kRejected, {}, "AC01"},
                   {.event = RailEvent::kSettled, .after = {}, .notifications = 0, .told = false}}};
  }
  return {.events = {{RailEvent::kSettled, absl::ZeroDuration()}}};
}

Money ChargedOf(Money amount) {
  const std::int64_t charge = amount.minor_units > 100 ? 100 : amount.minor_units / 2;
  amount.minor_units -= charge;
  return amount;
}

}  // namespace florin::payments
